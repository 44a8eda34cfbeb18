/// Types with names in them, from the inside out as C has them.
extension TypePrinter {
    /// The unnamed structure, union or enumeration with a body at the end of pointers and arrays.
    func unnamedBody(_ number: Int) -> KernelType? {
        var number = number
        for _ in 0..<64 {
            guard let type = types.type(number) else { return nil }
            switch type.kind {
            case .structure, .union, .enumeration, .enumeration64:
                return types.name(of: type).isEmpty ? type : nil
            case .pointer, .volatile, .constant, .restrict, .typeTag: number = type.target
            case .array:
                guard let elements = types.arrayElements(type) else { return nil }
                number = elements.type
            default: return nil
            }
        }
        return nil
    }

    /// A type with a name in it, from the inside out as C has it.
    ///
    /// - Parameters:
    ///   - body: the type whose body stands before: it is not named.
    ///   - columns: how wide the type's own words are at least.
    func declaration(
        of number: Int, _ name: String, body: Int? = nil, columns: Int = 0, depth: Int = 0
    ) -> String {
        var inner = name
        var number = number
        // Qualifiers of the word at the end, and those met before it is known what they qualify.
        var qualifiers: [String] = []
        var isPointer = false
        for _ in 0..<64 {
            if number == body { return joined(qualifiers + [inner]) }
            guard number != 0, let type = types.type(number) else {
                return word(joined(qualifiers + ["void"]), inner, columns)
            }
            switch type.kind {
            case .constant, .volatile, .restrict:
                qualifiers.append(
                    type.kind == .constant ? "const" : type.kind == .volatile ? "volatile" : "restrict")
                number = type.target
            case .typeTag: number = type.target
            case .pointer:
                inner = "*" + joined((qualifiers.isEmpty ? [] : [""]) + qualifiers + [inner])
                qualifiers = []
                isPointer = true
                number = type.target
            case .array:
                guard let elements = types.arrayElements(type) else { return "?" }
                if isPointer { inner = "(\(inner))" }
                isPointer = false
                inner += "[\(elements.count == 0 ? "" : "\(elements.count)")]"
                number = elements.type
            case .functionPrototype, .function:
                if isPointer { inner = "(\(inner))" }
                isPointer = false
                inner += "(" + parameters(of: type, depth: depth) + ")"
                number = type.target
            default:
                return word(joined(qualifiers + [keyword(type)]), inner, columns)
            }
        }
        return "?"
    }

    private func parameters(of type: KernelType, depth: Int) -> String {
        guard depth < 8 else { return "..." }
        let parameters = types.parameters(of: type)
        if parameters.isEmpty { return "void" }
        return parameters.map { parameter in
            parameter.type == 0
                ? "..." : declaration(of: parameter.type, "", depth: depth + 1).trimmedAtEnd
        }.joined(separator: ", ")
    }

    /// A word that stands for a type: `struct list_head`, `atomic_t`.
    func keyword(_ type: KernelType) -> String {
        let name = types.name(of: type)
        switch type.kind {
        case .structure: return name.isEmpty ? "struct" : "struct \(name)"
        case .union: return name.isEmpty ? "union" : "union \(name)"
        case .enumeration, .enumeration64: return name.isEmpty ? "enum" : "enum \(name)"
        case .forward: return (type.flag ? "union " : "struct ") + name
        default: return name
        }
    }

    private func word(_ word: String, _ inner: String, _ columns: Int) -> String {
        if inner.isEmpty { return word }
        // Stars keep to the type, as pahole has them.
        let stars = inner.prefix { $0 == "*" }
        let head = stars.isEmpty ? word : word + " " + stars
        let rest = inner.dropFirst(stars.count)
        if rest.isEmpty { return head }
        guard columns > 0 else { return stars.isEmpty ? "\(head) \(rest)" : head + rest }
        return head + spaces(max(1, columns - head.count + 1)) + rest.trimmedAtStart
    }

    private func joined(_ words: [String]) -> String {
        var text = ""
        for (index, word) in words.enumerated() where !word.isEmpty || index == 0 {
            text += (index > 0 ? " " : "") + word
        }
        return text
    }
}

extension StringProtocol {
    fileprivate var trimmedAtStart: String { String(drop { $0 == " " }) }
    fileprivate var trimmedAtEnd: String {
        var text = String(self)
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}

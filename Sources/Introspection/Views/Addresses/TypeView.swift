/// The declaration of a type of the kernel, as pahole(1) prints it.
public struct TypeView {
    private let types: TypeTable

    /// - Throws: `missing` if the kernel carries no types.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        types = try kernel.types()
    }

    /// Types from anywhere.
    public init(_ types: TypeTable) {
        self.types = types
    }

    /// The lines of a declaration.
    ///
    /// - Parameter name: a structure, union, enumeration or type name, `struct` and the like before it or not;
    ///   or a member, `task_struct.mm` or `task_struct.se.vruntime`, with its offset from the structure's
    ///   beginning.
    /// - Throws: `notFound` if there is no such type or member.
    public func read(_ name: String) throws(IntrospectionError) -> [String] {
        var words = name.split(separator: " ").map(String.init)
        var kinds = TypeTable.Kind.named
        if words.count == 2 {
            switch words[0] {
            case "struct": kinds = [.structure]
            case "union": kinds = [.union]
            case "enum": kinds = [.enumeration, .enumeration64]
            default: throw .notFound("'\(words[0])' is neither struct, union nor enum")
            }
            words.removeFirst()
        }
        guard let path = words.first, words.count == 1, !path.hasPrefix(".") else {
            throw .notFound("'\(name)' is no name of a type")
        }
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        var printer = TypePrinter(types)
        if parts.count == 2 {
            try printer.printMember(parts[1], of: parts[0])
        } else {
            var found = types.types(named: path, kinds: kinds)
            if found.isEmpty { found = number(path, kinds) }
            guard !found.isEmpty else { throw .notFound("the kernel has no type \(name)") }
            for (index, type) in found.sorted(by: { $0.number < $1.number }).enumerated() {
                if index > 0 { printer.printEmptyLine() }
                printer.printDeclaration(of: type)
            }
        }
        return printer.lines
    }

    /// Plain numbers are not found by name: there are only a few, at the beginning.
    private func number(_ name: String, _ kinds: Set<TypeTable.Kind>) -> [KernelType] {
        guard kinds == TypeTable.Kind.named else { return [] }
        for number in 1..<max(types.count, 2) {
            guard let type = types.type(number) else { break }
            if type.kind == .integer || type.kind == .floating, types.name(of: type) == name { return [type] }
        }
        return []
    }
}

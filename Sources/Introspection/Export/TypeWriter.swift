/// Writes types as a symbol file describes them: a structure by its name, all else by what it is made of.
struct TypeWriter {
    let types: TypeTable
    let names: TypeNames

    /// Longer chains of pointers and arrays are loops.
    private static let deepest = 16

    /// The members of a structure or union.
    func writeFields(of type: KernelType, to output: inout JSONOutput) {
        var known: Set<String> = []
        for (index, member) in types.members(of: type).enumerated() {
            let name = member.name.isEmpty ? "unnamed_field_\(index)" : member.name
            guard known.insert(name).inserted else { continue }
            output.key(name)
            output.object { output in
                writeField(member, to: &output)
                if member.name.isEmpty { output.member("anonymous", true) }
            }
        }
    }

    private func writeField(_ member: Member, to output: inout JSONOutput) {
        guard member.bitWidth > 0, let base = types.resolved(member.type), (1...8).contains(base.size) else {
            output.key("type")
            write(member.type, to: &output)
            output.member("offset", member.bitOffset / 8)
            return
        }
        let unit = base.size * 8
        output.key("type")
        output.object { output in
            output.member("kind", "bitfield")
            output.member("bit_position", member.bitOffset % unit)
            output.member("bit_length", member.bitWidth)
            output.key("type")
            write(member.type, to: &output)
        }
        output.member("offset", member.bitOffset / unit * base.size)
    }

    /// A type by its number.
    func write(_ number: Int, to output: inout JSONOutput, depth: Int = 0) {
        output.object { output in
            guard depth < Self.deepest, let type = types.resolved(number) else {
                return Self.writeVoid(&output)
            }
            switch type.kind {
            case .pointer:
                output.member("kind", "pointer")
                output.key("subtype")
                write(type.target, to: &output, depth: depth + 1)
            case .array:
                guard let (element, count) = types.elements(of: number) else {
                    return Self.writeVoid(&output)
                }
                output.member("kind", "array")
                output.member("count", count)
                output.key("subtype")
                write(element, to: &output, depth: depth + 1)
            case .integer, .floating:
                guard let base = BaseType(type, in: types) else { return Self.writeVoid(&output) }
                output.member("kind", "base")
                output.member("name", base.name)
            case .functionPrototype, .function: output.member("kind", "function")
            default: writeNamed(type, to: &output)
            }
        }
    }

    private func writeNamed(_ type: KernelType, to output: inout JSONOutput) {
        let kind: String
        var name = names.name(of: type.number)
        switch type.kind {
        case .structure: kind = "struct"
        case .union: kind = "union"
        case .enumeration, .enumeration64: kind = "enum"
        case .forward:
            // Declared here, defined as another type or not at all; the flag says which of both it is.
            kind = type.flag ? "union" : "struct"
            name = types.text(type.nameOffset)
        default: return Self.writeVoid(&output)
        }
        guard let name, names.contains(name) else { return Self.writeVoid(&output) }
        output.member("kind", kind)
        output.member("name", name)
    }

    private static func writeVoid(_ output: inout JSONOutput) {
        output.member("kind", "base")
        output.member("name", "void")
    }

    /// A variable's type as it is declared in the kernel's source.
    func write(_ type: WellKnownSymbol, to output: inout JSONOutput) {
        output.object { output in
            switch type {
            case .structure(let name):
                guard names.contains(name) else { return Self.writeVoid(&output) }
                output.member("kind", "struct")
                output.member("name", name)
            case .base(let name):
                output.member("kind", "base")
                output.member("name", name)
            case .pointer(let target):
                output.member("kind", "pointer")
                output.key("subtype")
                write(target, to: &output)
            case .array(let element, let count):
                output.member("kind", "array")
                output.member("count", count)
                output.key("subtype")
                write(element, to: &output)
            }
        }
    }
}

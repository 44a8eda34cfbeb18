/// Writes types as C declarations with offsets and sizes in comments.
///
/// Types come from the guest and may refer to themselves in ways no compiler writes: depth and lines are
/// limited.
struct TypePrinter {
    let types: TypeTable
    private(set) var lines: [String] = []

    private static let cacheLine = 64
    private static let mostLines = 10_000
    private static let mostDepth = 24
    private static let typeColumn = 26
    private static let nameColumn = 22

    init(_ types: TypeTable) {
        self.types = types
    }

    mutating func printEmptyLine() { lines.append("") }

    /// A whole declaration, its body and semicolon.
    mutating func printDeclaration(of type: KernelType) {
        switch type.kind {
        case .structure, .union:
            printBody(of: type, from: 0, depth: 0, head: keyword(type), tail: ";")
        case .enumeration, .enumeration64:
            printEnumeration(type, depth: 0, head: keyword(type), tail: ";")
        case .typeName:
            let name = types.name(of: type)
            if let body = unnamedBody(type.target) {
                printUnnamed(body, from: 0, depth: 0, prefix: "typedef ", tail: " \(name);")
            } else {
                add(0, "typedef \(declaration(of: type.target, name));" + sizeComment(type.number))
            }
        default:
            add(0, "\(types.name(of: type));" + sizeComment(type.number))
        }
    }

    /// One member, with the offset from the structure's beginning.
    mutating func printMember(_ path: String, of structure: String) throws(IntrospectionError) {
        var type = types.structure(named: structure)
        // A type name of a structure will do.
        if type == nil, let name = types.types(named: structure, kinds: [.typeName]).first {
            type = types.resolved(name.number)
        }
        guard var owner = type, owner.kind == .structure || owner.kind == .union else {
            throw .notFound("the kernel has no structure \(structure)")
        }
        let head = keyword(owner)
        var bit = 0
        var found: Member?
        for name in path.split(separator: ".", omittingEmptySubsequences: false) {
            if let previous = found {
                guard let next = types.resolved(previous.type) else {
                    throw .notFound("\(structure) has no member \(path)")
                }
                owner = next
            }
            guard let member = types.member(named: String(name), of: owner) else {
                throw .notFound("\(head) has no member \(path)")
            }
            bit += member.bitOffset
            found = member
        }
        guard let found else { throw .notFound("\(structure) has no member \(path)") }
        add(0, "\(head) {")
        let member = Member(name: found.name, type: found.type, bitOffset: bit, bitWidth: found.bitWidth)
        printMember(member, at: bit, depth: 1)
        add(0, "};")
    }

    // MARK: Bodies

    private mutating func add(_ depth: Int, _ text: String) {
        guard lines.count < Self.mostLines else { return }
        lines.append(String(repeating: "\t", count: depth) + text)
    }

    private mutating func printBody(
        of type: KernelType, from base: Int, depth: Int, head: String, tail: String
    ) {
        add(depth, "\(head) {")
        var walk = Layout(end: base)
        let members = types.members(of: type)
        for member in members {
            guard lines.count < Self.mostLines else { break }
            let (start, overflow) = base.addingReportingOverflow(member.bitOffset)
            if overflow { break }
            if type.kind == .structure { printGap(before: start, &walk, depth: depth + 1) }
            printMember(member, at: start, depth: depth + 1)
            let width = member.bitWidth > 0 ? member.bitWidth : bits(of: member.type)
            walk.end = max(walk.end, start.addingReportingOverflow(width).partialValue)
        }
        if depth == 0 {
            printSummary(of: type, walk, members: members.count)
            add(depth, "}" + tail)
        } else {
            add(depth, "}" + tail + comment(bitOffset: base, size: type.size, padding: 1))
        }
    }

    private struct Layout {
        /// The first bit behind the members so far.
        var end: Int
        var holes = 0
        var holeBytes = 0
        /// The cache line that was told last.
        var told = 0
    }

    private mutating func printGap(before start: Int, _ walk: inout Layout, depth: Int) {
        let hole = start / 8 - (walk.end + 7) / 8
        if hole > 0 {
            add(0, "")
            add(depth, "/* XXX \(hole) byte\(hole == 1 ? "" : "s") hole, try to pack */")
            add(0, "")
            walk.holes += 1
            walk.holeBytes += hole
        }
        guard depth == 1 else { return }
        let line = start / 8 / Self.cacheLine
        guard line > walk.told else { return }
        walk.told = line
        let inside = start / 8 % Self.cacheLine
        let boundary = line * Self.cacheLine
        add(
            depth,
            inside == 0
                ? "/* --- cacheline \(line) boundary (\(boundary) bytes) --- */"
                : "/* --- cacheline \(line) boundary (\(boundary) bytes) was \(inside) bytes ago --- */")
    }

    private mutating func printSummary(of type: KernelType, _ walk: Layout, members: Int) {
        add(0, "")
        let lineCount = (type.size + Self.cacheLine - 1) / Self.cacheLine
        add(1, "/* size: \(type.size), cachelines: \(lineCount), members: \(members) */")
        if walk.holes > 0 { add(1, "/* sum holes: \(walk.holeBytes), holes: \(walk.holes) */") }
        let padding = type.size - (walk.end + 7) / 8
        if type.kind == .structure, padding > 0 { add(1, "/* padding: \(padding) */") }
        let last = type.size % Self.cacheLine
        if last != 0 { add(1, "/* last cacheline: \(last) bytes */") }
    }

    private mutating func printMember(_ member: Member, at bitOffset: Int, depth: Int) {
        let width = member.bitWidth > 0 ? ":\(member.bitWidth)" : ""
        if let body = unnamedBody(member.type), depth < Self.mostDepth {
            // What stands around the body: `} name[4];`, `} * name;`.
            let name = declaration(of: member.type, member.name, body: body.number)
            let tail = (name.isEmpty ? "" : " \(name)") + width + ";"
            printUnnamed(
                body, from: bitOffset, depth: depth, tail: tail,
                place: place(of: member, at: bitOffset, padding: 1))
            return
        }
        let text = declaration(of: member.type, member.name, columns: Self.typeColumn) + width + ";"
        let padding = max(1, Self.typeColumn + 1 + Self.nameColumn - text.count)
        add(depth, text + place(of: member, at: bitOffset, padding: padding))
    }

    /// Where a member lies: its byte and size; of a bit field, as pahole has it, the byte where the unit of the field's
    /// type begins, and the bit in it.
    private func place(of member: Member, at bitOffset: Int, padding: Int) -> String {
        guard member.bitWidth > 0 else {
            return comment(bitOffset: bitOffset, size: types.size(of: member.type) ?? 0, padding: padding)
        }
        let size = max(types.size(of: member.type) ?? 1, 1)
        let (byte, bit) = (bitOffset / (size * 8) * size, bitOffset % (size * 8))
        return spaces(padding) + "/* \(column(byte, 5)):\(column(bit, 2)) \(column(size, 3)) */"
    }

    /// - Parameter place: what tells where an enumeration lies; a structure's body tells it itself.
    private mutating func printUnnamed(
        _ body: KernelType, from base: Int, depth: Int, prefix: String = "", tail: String, place: String = ""
    ) {
        let head = prefix + keyword(body)
        if body.kind == .structure || body.kind == .union {
            printBody(of: body, from: base, depth: depth, head: head, tail: tail)
        } else {
            printEnumeration(body, depth: depth, head: head, tail: tail + place)
        }
    }

    private mutating func printEnumeration(_ type: KernelType, depth: Int, head: String, tail: String) {
        add(depth, "\(head) {")
        let values = types.values(of: type)
        let width = values.map(\.name.count).max() ?? 0
        for entry in values {
            let number = types.isSigned(type) ? "\(entry.value)" : "\(UInt64(bitPattern: entry.value))"
            add(depth + 1, entry.name + spaces(width - entry.name.count) + " = \(number),")
        }
        add(depth, "}" + tail + (depth == 0 ? " /* size: \(type.size) */" : ""))
    }

    // MARK: Comments

    private func bits(of number: Int) -> Int {
        let (product, overflow) = (types.size(of: number) ?? 0).multipliedReportingOverflow(by: 8)
        return overflow ? 0 : product
    }

    private func sizeComment(_ number: Int) -> String {
        types.size(of: number).map { " /* size: \($0) */" } ?? ""
    }

    private func comment(bitOffset: Int, size: Int, padding: Int) -> String {
        spaces(padding) + "/* \(column(bitOffset / 8, 5)) \(column(size, 5)) */"
    }

    private func column(_ number: Int, _ width: Int) -> String {
        let text = "\(number)"
        return spaces(width - text.count) + text
    }

    func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

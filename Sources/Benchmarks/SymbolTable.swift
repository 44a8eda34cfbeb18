internal import Glibc
internal import HostSystem

/// Where functions and variables lie in an ELF program.
struct SymbolTable {
    private let bytes: [UInt8]

    private static let symbolTableSection: UInt64 = 2  // SHT_SYMTAB
    private static let loadSegment: UInt64 = 1  // PT_LOAD

    init(_ path: String) throws {
        let file = try OwnedDescriptor.open(path, O_RDONLY)
        bytes = try DescriptorIO.readAll(file.number, limit: 256 << 20)
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            throw BenchmarkError.unavailable("\(path) is no 64-bit ELF program")
        }
    }

    /// File offsets of the functions that have one of the names; aliases count once.
    func fileOffsets(of names: Set<String>) -> Set<UInt64> {
        var offsets: Set<UInt64> = []
        forEachSymbol { name, address in
            if names.contains(name), let offset = fileOffset(address) { offsets.insert(offset) }
        }
        return offsets
    }

    /// Where a function or a variable is in memory.
    func address(of wanted: String) -> UInt64? {
        var found: UInt64?
        forEachSymbol { name, address in if name == wanted { found = address } }
        return found
    }

    private func forEachSymbol(_ body: (String, UInt64) -> Void) {
        let count = Int(number(0x3C, 2))
        let sections = (0..<count).map { Int(number(0x28, 8)) + $0 * Int(number(0x3A, 2)) }
        guard let table = sections.first(where: { number($0 + 4, 4) == Self.symbolTableSection }) else {
            return
        }
        let strings = Int(number(sections[Int(number(table + 0x28, 4))] + 0x18, 8))
        let start = Int(number(table + 0x18, 8))
        for symbol in stride(from: start, to: start + Int(number(table + 0x20, 8)), by: 24) {
            let address = number(symbol + 8, 8)
            guard address != 0 else { continue }
            let name = bytes[(strings + Int(number(symbol, 4)))...].prefix { $0 != 0 }
            body(String(decoding: name, as: UTF8.self), address)
        }
    }

    private func fileOffset(_ address: UInt64) -> UInt64? {
        for index in 0..<Int(number(0x38, 2)) {
            let segment = Int(number(0x20, 8)) + index * Int(number(0x36, 2))
            let start = number(segment + 0x10, 8)
            guard number(segment, 4) == Self.loadSegment, address >= start,
                address - start < number(segment + 0x20, 8)
            else { continue }
            return address - start + number(segment + 8, 8)
        }
        return nil
    }

    /// A little-endian number.
    private func number(_ offset: Int, _ size: Int) -> UInt64 {
        bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

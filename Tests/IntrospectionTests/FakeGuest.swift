import GuestMemory
@testable import Introspection

/// A guest of 4 MiB whose image lies in its second half, with symbols and types of the test's own.
final class FakeGuest {
    /// Where the image lies in memory and in the kernel's addresses.
    static let imagePhysical = 2 << 20
    static let imageStart = VirtualAddress(0xFFFF_FFFF_8100_0000)
    static let directMap = VirtualAddress(0xFFFF_8880_0000_0000)

    let source = MemorySource(size: 4 << 20)
    let kernel: Kernel

    init(symbols: SymbolTable, types: TypeTable? = nil) {
        kernel = Kernel(
            image: GuestImage(source),
            mapping: ImageMapping(
                space: AddressSpace(cr3: 0x1000), start: Self.imageStart,
                physical: GuestAddress(UInt64(Self.imagePhysical)), size: 2 << 20),
            profile: KernelProfile(buildID: [], symbols: symbols, types: types), isProfileNew: true)
    }

    convenience init(types: TypeTable) {
        self.init(symbols: Self.table(["_text": 0]), types: types)
    }

    /// - Parameter symbols: offsets in the image.
    convenience init(symbols: [String: Int], types: BTFImage) throws {
        self.init(symbols: Self.table(symbols), types: try TypeTable(types.bytes))
    }

    private static func table(_ symbols: [String: Int]) -> SymbolTable {
        var names: [UInt8] = []
        var starts: [UInt32] = [0]
        let sorted = symbols.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (name, _) in sorted {
            names += Array("D\(name)".utf8)
            starts.append(UInt32(names.count))
        }
        return SymbolTable(
            base: imageStart, offsets: sorted.map { Int64($0.value) }, names: names, starts: starts)
    }

    /// Stores eight bytes at a physical address.
    func store(_ value: UInt64, at address: Int) { source.store(value, at: address) }

    /// Stores a number of fewer bytes.
    func store(_ value: UInt64, at address: Int, size: Int) {
        for byte in 0..<size {
            source.memory[address + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
        }
    }

    /// Stores text and a zero byte.
    func store(_ text: String, at address: Int) {
        for (index, byte) in (Array(text.utf8) + [0]).enumerated() { source.memory[address + index] = byte }
    }

    /// Where the direct map has a physical address.
    func direct(_ address: Int) -> VirtualAddress { Self.directMap + address }

    /// Where an offset in the image lies in memory.
    func image(_ offset: Int) -> Int { Self.imagePhysical + offset }
}

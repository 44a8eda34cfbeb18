import GuestMemory
@testable import Introspection

/// A guest of 4 MiB whose image lies in its second half, with symbols and types of the test's own.
final class FakeGuest {
    /// Where the image lies in memory and in the kernel's addresses.
    static let imagePhysical = 2 << 20
    static let imageStart = VirtualAddress(HandmadeKernel.image)
    static let directMap = VirtualAddress(HandmadeKernel.directMap)

    let source = MemorySource(size: 4 << 20)
    let kernel: Kernel

    init(symbols: SymbolTable, types: TypeTable? = nil) {
        kernel = HandmadeKernel.make(
            GuestImage(source), symbols: symbols, types: types, root: 0x1000,
            imageAt: UInt64(Self.imagePhysical), imageSize: 2 << 20)
    }

    convenience init(types: TypeTable) {
        self.init(symbols: HandmadeKernel.table([("_text", HandmadeKernel.image)]), types: types)
    }

    /// - Parameter symbols: offsets in the image.
    convenience init(symbols: [String: Int], types: BTFImage) throws {
        let sorted = symbols.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        self.init(
            symbols: HandmadeKernel.table(
                sorted.map { ($0.key, HandmadeKernel.image + UInt64($0.value)) }, kind: "D"),
            types: try types.table())
    }

    /// Stores a number, of eight bytes or fewer, at a physical address.
    func store(_ value: UInt64, at address: Int, size: Int = 8) {
        source.store(value, at: address, size: size)
    }

    /// Stores text and a zero byte.
    func store(_ text: String, at address: Int) { source.store(text, at: address) }

    /// Where the direct map has a physical address.
    func direct(_ address: Int) -> VirtualAddress { HandmadeKernel.address(address) }

    /// Where an offset in the image lies in memory.
    func image(_ offset: Int) -> Int { Self.imagePhysical + offset }
}

import GuestMemory

@testable import Introspection

/// A kernel of a few pages, each byte put there by a test.
///
/// Memory is at `place(offset)`, in the kernel's map of all memory; the image covers the same memory, and
/// symbols are addresses in it.
final class KernelFixture {
    let source = MemorySource(size: 1 << 20)
    let image: GuestImage
    private(set) var types = TypeDescription()
    private var symbols: [(String, UInt64)] = []
    private var free = 0x1000

    init() {
        image = GuestImage(source, budget: 1_000_000)
    }

    /// The kernel's view of physical memory without randomisation.
    static func place(_ offset: Int) -> VirtualAddress { HandmadeKernel.address(offset) }

    /// Where an address of `place` lies in memory.
    static func offset(_ address: VirtualAddress) -> Int {
        Int(truncatingIfNeeded: address.rawValue &- HandmadeKernel.directMap)
    }

    func describe(_ name: String, size: Int, _ members: [(String, TypeDescription.Kind, Int)]) {
        types.add(name, size: size, members)
    }

    /// Some unused memory, aligned as maple nodes want it.
    func allocate(_ size: Int) -> VirtualAddress {
        defer { free += (size + 255) / 256 * 256 }
        return Self.place(free)
    }

    func store(_ value: UInt64, at address: VirtualAddress) {
        source.store(value, at: Self.offset(address))
    }

    func store(_ value: VirtualAddress, at address: VirtualAddress) { store(value.rawValue, at: address) }

    func store(half value: UInt32, at address: VirtualAddress) {
        source.store(UInt64(value), at: Self.offset(address), size: 4)
    }

    /// A text with its zero behind it.
    func text(_ text: String) -> VirtualAddress {
        let address = allocate(text.utf8.count + 1)
        source.store(text, at: Self.offset(address))
        return address
    }

    /// Names an address; the image has it as well.
    func name(_ name: String, _ address: VirtualAddress) {
        symbols.append((name, Self.inImage(address).rawValue))
    }

    /// The address that a symbol of that place has.
    static func inImage(_ address: VirtualAddress) -> VirtualAddress {
        ImageMapping.usualStart + offset(address)
    }

    /// The kernel as the views see it.
    func kernel() throws -> Kernel {
        // What was copied before is not what a test has stored since.
        image.refresh()
        return HandmadeKernel.make(
            image, symbols: HandmadeKernel.table(symbols, kind: "D"), types: try types.table(),
            imageSize: source.memory.count)
    }
}

import GuestMemory
@testable import Introspection

/// A kernel whose memory is made by hand: all of it in the direct map, at its usual place.
enum HandmadeKernel {
    /// The direct map's beginning without randomisation.
    static let directMap: UInt64 = 0xFFFF_8880_0000_0000
    /// The image's, of which nothing is in memory.
    static let image: UInt64 = 0xFFFF_FFFF_8100_0000

    /// A kernel address of a physical one.
    static func address(_ physical: Int) -> VirtualAddress { VirtualAddress(directMap + UInt64(physical)) }

    /// - Parameters:
    ///   - root: the page tables.
    ///   - imageAt: where the image lies in memory.
    static func make(
        _ source: MemorySource, symbols: [(String, UInt64)] = [], types: TypeTable? = nil, root: UInt64 = 0,
        imageAt: UInt64 = 0, imageSize: Int = 0
    ) -> Kernel {
        Kernel(
            image: GuestImage(source),
            mapping: ImageMapping(
                space: AddressSpace(cr3: root), start: VirtualAddress(image), physical: GuestAddress(imageAt),
                size: imageSize),
            profile: KernelProfile(buildID: [], symbols: table(symbols), types: types), isProfileNew: true)
    }

    static func table(_ symbols: [(String, UInt64)]) -> SymbolTable {
        var names: [UInt8] = []
        var starts: [UInt32] = []
        for (name, _) in symbols {
            starts.append(UInt32(names.count))
            names += Array("T\(name)".utf8)
        }
        starts.append(UInt32(names.count))
        return SymbolTable(
            base: VirtualAddress(image), offsets: symbols.map { Int64(bitPattern: $0.1 &- image) },
            names: names,
            starts: starts)
    }
}

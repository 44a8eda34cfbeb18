import GuestMemory
@testable import Introspection

/// A kernel whose memory is made by hand: all of it in the direct map, without randomisation.
enum HandmadeKernel {
    /// The direct map's beginning.
    static let directMap: UInt64 = 0xFFFF_8880_0000_0000
    /// The image's.
    static let image = ImageMapping.usualStart.rawValue

    /// A kernel address of a physical one.
    static func address(_ physical: Int) -> VirtualAddress { VirtualAddress(directMap + UInt64(physical)) }

    /// - Parameters:
    ///   - symbols: with their addresses.
    ///   - root: the page tables.
    ///   - imageAt: where the image lies in memory.
    ///   - imageSize: how much of it is mapped.
    static func make(
        _ source: MemorySource, symbols: [(String, UInt64)] = [], types: TypeTable? = nil, root: UInt64 = 0,
        imageAt: UInt64 = 0, imageSize: Int = 0
    ) -> Kernel {
        make(
            GuestImage(source), symbols: table(symbols), types: types, root: root, imageAt: imageAt,
            imageSize: imageSize)
    }

    static func make(
        _ memory: GuestImage, symbols: SymbolTable, types: TypeTable?, root: UInt64 = 0, imageAt: UInt64 = 0,
        imageSize: Int
    ) -> Kernel {
        Kernel(
            image: memory,
            mapping: ImageMapping(
                space: AddressSpace(cr3: root), start: VirtualAddress(image), physical: GuestAddress(imageAt),
                size: imageSize),
            profile: KernelProfile(buildID: [], symbols: symbols, types: types), isProfileNew: true)
    }

    /// - Parameter kind: what all of them are, by nm's letters.
    static func table(_ symbols: [(String, UInt64)], kind: Character = "T") -> SymbolTable {
        var names: [UInt8] = []
        var starts: [UInt32] = [0]
        for (name, _) in symbols {
            names += Array("\(kind)\(name)".utf8)
            starts.append(UInt32(names.count))
        }
        return SymbolTable(
            base: VirtualAddress(image), offsets: symbols.map { Int64(bitPattern: $0.1 &- image) },
            names: names, starts: starts)
    }
}

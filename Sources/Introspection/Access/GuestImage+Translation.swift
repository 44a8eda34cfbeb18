internal import GuestMemory

/// Reading by virtual addresses, whose pages may lie anywhere in memory.
extension GuestImage {
    /// Tells where a virtual address lies in memory: an address space's page tables, or a shorter way.
    typealias Translation = (VirtualAddress) throws(ReadError) -> GuestAddress

    /// More than any view copies at once.
    static let longestCopy = 256 << 20

    /// Loads an integer of the guest's byte order (little-endian), aligned or not.
    @inline(__always)
    func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at address: VirtualAddress, by translate: Translation
    ) throws(ReadError) -> Value {
        guard Int(address.rawValue & 0xFFF) + MemoryLayout<Value>.size > Self.pageSize else {
            return try load(type, at: try translate(address))
        }
        return try Value { index throws(ReadError) in
            try load(UInt8.self, at: try translate(address + index))
        }
    }

    /// A copy of bytes, across pages.
    ///
    /// - Throws: `tooMuch` for more than `longestCopy`; what `translate` throws of the first page that is not there.
    @inline(__always)
    func bytes(
        at address: VirtualAddress, count: Int, by translate: Translation
    ) throws(ReadError) -> [UInt8] {
        guard count >= 0, count <= Self.longestCopy else { throw .tooMuch }
        var result: [UInt8] = []
        var position = address
        while result.count < count {
            let part = min(count - result.count, Self.pageSize - Int(position.rawValue & 0xFFF))
            try append(to: &result, from: try translate(position), count: part)
            position = position + part
        }
        return result
    }
}

extension FixedWidthInteger where Self: BitwiseCopyable {
    /// Puts an integer together that lies on two pages: byte by byte, the lowest first.
    init(bytes byte: (Int) throws(ReadError) -> UInt8) throws(ReadError) {
        self = 0
        for index in 0..<MemoryLayout<Self>.size {
            self |= Self(truncatingIfNeeded: try byte(index)) << Self(truncatingIfNeeded: 8 * index)
        }
    }
}

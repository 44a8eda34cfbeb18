import GuestMemory
import Introspection

/// Physical memory in an array, from address 0.
final class MemorySource: PhysicalSource {
    var memory: [UInt8]
    let regions: [GuestRange]

    init(size: Int) {
        memory = [UInt8](repeating: 0, count: size)
        regions = GuestRange(start: GuestAddress(0), size: UInt64(size)).map { [$0] } ?? []
    }

    /// Stores the lowest bytes of a number, all eight or fewer.
    func store(_ value: UInt64, at address: Int, size: Int = 8) {
        for byte in 0..<size { memory[address + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
    }

    /// Stores text and a zero byte.
    func store(_ text: String, at address: Int) {
        for (index, byte) in (Array(text.utf8) + [0]).enumerated() { memory[address + index] = byte }
    }

    func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError) {
        guard address.rawValue + UInt64(bytes.byteCount) <= UInt64(memory.count) else {
            throw .notMemory(address)
        }
        let start = Int(address.rawValue)
        let count = bytes.byteCount
        unsafe bytes.withUnsafeMutableBytes { target in
            // SAFETY: both have `count` bytes, as was checked.
            unsafe memory.withUnsafeBytes { source in
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[start..<start + count]))
            }
        }
    }

    func copyPages(_ pages: [UInt64], into bytes: inout MutableRawSpan) throws(ReadError) {
        for (index, page) in pages.enumerated() {
            var part = bytes._mutatingExtracting(index * 4096..<(index + 1) * 4096)
            try copy(from: GuestAddress(page << 12), into: &part)
        }
    }
}

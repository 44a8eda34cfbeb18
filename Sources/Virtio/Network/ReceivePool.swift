internal import CLinux
internal import Glibc

/// Chains that were taken from a receive queue and hold nothing yet, as one row of segments for readv(2).
///
/// The kernel writes a frame over as many chains as it needs; `finish` says which these are, and the others
/// wait for the next frame. Nothing is allocated once the row is as long as it gets.
@safe
struct ReceivePool: ~Copyable, @unchecked Sendable {
    // @unchecked: the storage has one owner; the guest's bytes are reached by the kernel and by copies.

    struct Chain {
        var head: UInt16
        var segments: Int
        var bytes: Int
    }

    /// The bytes there is room for, headers included.
    private(set) var bytes = 0
    private var chains: [Chain] = []
    private var firstChain = 0
    /// [..< firstSegment: gone ..< endSegment: free ..< storage.count]
    private var storage: UnsafeMutableBufferPointer<iovec>
    private var firstSegment = 0
    private var endSegment = 0

    /// Where the last byte of what is too long goes: readv(2) then tells that there was more.
    private let overflow: UnsafeMutablePointer<UInt8>

    init() {
        unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
        // SAFETY: one byte, ours until `deinit`.
        unsafe overflow = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    }

    deinit {
        // SAFETY: allocated by `append`, or nil.
        unsafe storage.deallocate()
        // SAFETY: allocated by `init`.
        unsafe overflow.deallocate()
    }

    /// How many chains there are.
    var count: Int { chains.count - firstChain }
    /// How many segments they have.
    var segmentCount: Int { endSegment - firstSegment }

    /// The room of the first chain. There is one.
    var firstBytes: Int { chains[firstChain].bytes }

    mutating func removeAll() {
        bytes = 0
        chains.removeAll(keepingCapacity: true)
        firstChain = 0
        firstSegment = 0
        endSegment = 0
    }

    /// Adds a chain with its writable part.
    mutating func append(_ chain: borrowing DescriptorChain) {
        // SAFETY: the segments are copied before the chain changes.
        let added = unsafe chain.unsafeWritable
        let count = added.count
        reserve(count)
        // SAFETY: reserved. The segments are good as long as the guest's memory, which the device keeps.
        unsafe storage.baseAddress.map { start in
            for index in 0..<count { unsafe (start + endSegment + index).initialize(to: added[index]) }
        }
        endSegment += count
        bytes += chain.writableBytes
        chains.append(Chain(head: chain.head, segments: count, bytes: chain.writableBytes))
    }

    /// Makes room for segments at the end, and one for `overflow`.
    private mutating func reserve(_ count: Int) {
        // SAFETY: a number.
        let capacity = unsafe storage.count
        guard endSegment + count + 1 > capacity else { return }
        if firstChain > 0 {
            chains.removeSubrange(..<firstChain)
            firstChain = 0
        }
        let live = endSegment - firstSegment
        let needed = live + count + 1
        if needed > capacity / 2 {
            let larger = UnsafeMutableBufferPointer<iovec>.allocate(capacity: max(256, needed * 2))
            // SAFETY: `live` segments from the first one are in the storage, and fit.
            for index in 0..<live {
                unsafe larger.initializeElement(at: index, to: storage[firstSegment + index])
            }
            // SAFETY: allocated here, or nil.
            unsafe storage.deallocate()
            unsafe storage = larger
        } else {
            // SAFETY: as above; towards the start, from the start.
            for index in 0..<live { unsafe storage[index] = storage[firstSegment + index] }
        }
        firstSegment = 0
        endSegment = live
    }

    /// Runs `body` with all segments, and one byte for what is too long.
    mutating func withSegments(_ body: (UnsafePointer<iovec>, Int) -> Int) -> Int {
        guard let start = unsafe storage.baseAddress else { return 0 }
        // SAFETY: `reserve` left room for one segment behind the last.
        unsafe (start + endSegment).initialize(to: iovec(iov_base: overflow, iov_len: 1))
        return unsafe body(start + firstSegment, segmentCount + 1)
    }

    /// Copies bytes to the room at an offset, as far as it goes.
    func copy(_ source: RawSpan, at offset: Int) {
        var skipped = offset
        var done = 0
        var index = firstSegment
        while done < source.byteCount, index < endSegment {
            // SAFETY: the index is below `endSegment`.
            let segment = unsafe storage[index]
            index += 1
            // SAFETY: a number.
            let length = unsafe segment.iov_len
            guard skipped < length else {
                skipped -= length
                continue
            }
            let part = min(source.byteCount - done, length - skipped)
            // SAFETY: `part` bytes are left in the segment from `skipped` on, and in the source from `done` on.
            unsafe source.withUnsafeBytes { source in
                guard let base = unsafe segment.iov_base, let start = source.baseAddress else { return }
                unsafe clinux_copy_shared(base + skipped, start + done, part)
            }
            done += part
            skipped = 0
        }
    }

    /// Stores an integer, little-endian, at an offset.
    func store<Word: FixedWidthInteger & BitwiseCopyable>(_ word: Word, at offset: Int) {
        unsafe withUnsafeBytes(of: word.littleEndian) { bytes in
            // SAFETY: `bytes` is the word, for the length of this call.
            unsafe copy(bytes.bytes, at: offset)
        }
    }

    /// How many chains a frame takes.
    func chains(for frame: Int) -> Int {
        var left = frame
        var index = firstChain
        while left > 0, index < chains.count {
            left -= chains[index].bytes
            index += 1
        }
        return index - firstChain
    }

    /// Takes the first chain out.
    mutating func takeFirst() -> Chain {
        let chain = chains[firstChain]
        firstChain += 1
        firstSegment += chain.segments
        bytes -= chain.bytes
        if firstChain == chains.count { removeAll() }
        return chain
    }
}

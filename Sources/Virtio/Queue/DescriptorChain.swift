public import Glibc
internal import CLinux
internal import GuestMemory

/// A chain of descriptors, validated: every segment lies in the guest's RAM, those to read from come
/// first, those to write to after them. Nothing the guest does afterwards can change that.
///
/// The value is a vessel that is filled again and again (`VirtQueue.pop(into:)`): its storage stays, so
/// the data path allocates nothing. Reading and writing go by cursors that only advance, so a device
/// cannot look at a part twice and see two different things there.
@safe
public struct DescriptorChain: ~Copyable, @unchecked Sendable {
    // @unchecked: the storage has one owner, this value; the guest's bytes are reached by copies.

    /// The descriptor the chain began with; it goes back to the driver by `VirtQueue.push`.
    public internal(set) var head: UInt16 = 0
    /// Bytes not yet read from.
    public private(set) var readableBytes = 0
    /// Bytes not yet written to.
    public private(set) var writableBytes = 0

    /// `iovec` is what the kernel takes as it is. [first readable ..< first writable ..< end)
    private var segments: UnsafeMutableBufferPointer<iovec>
    private var firstReadable = 0
    private var firstWritable = 0
    private var end = 0

    /// An empty vessel. Its storage grows to the longest chain it has held.
    public init() {
        unsafe segments = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        // SAFETY: allocated by `grow`, or nil.
        unsafe segments.deallocate()
    }

    /// How many segments are not yet read from.
    public var readableSegments: Int { firstWritable - firstReadable }
    /// How many segments are not yet written to.
    public var writableSegments: Int { end - firstWritable }

    mutating func clear() {
        head = 0
        readableBytes = 0
        writableBytes = 0
        firstReadable = 0
        firstWritable = 0
        end = 0
    }

    /// Adds a segment behind the others.
    mutating func append(_ buffer: GuestBuffer, isWritable: Bool) throws(QueueError) {
        // An empty segment carries nothing; the specification does not forbid it.
        guard buffer.count > 0 else { return }
        if !isWritable, writableSegments > 0 { throw .direction }
        guard readableBytes + writableBytes + buffer.count < 1 << 32 else { throw .tooLong }
        // SAFETY: a number.
        let capacity = unsafe segments.count
        if end == capacity { grow() }
        // SAFETY: end < segments.count. The buffer is valid as long as the memory, which the queue keeps.
        unsafe segments[end] = iovec(iov_base: buffer.start, iov_len: buffer.count)
        end += 1
        if isWritable {
            writableBytes += buffer.count
        } else {
            firstWritable = end
            readableBytes += buffer.count
        }
    }

    private mutating func grow() {
        let larger = unsafe UnsafeMutableBufferPointer<iovec>.allocate(
            capacity: max(4, segments.count * 2))
        for index in 0..<end {
            // SAFETY: end <= segments.count < larger.count.
            unsafe larger.initializeElement(at: index, to: segments[index])
        }
        // SAFETY: allocated here, or nil.
        unsafe segments.deallocate()
        unsafe segments = larger
    }
}

extension DescriptorChain {
    /// Reads the next bytes into a buffer and goes past them.
    ///
    /// - Returns: false, with nothing read, if the chain has fewer.
    public mutating func read(into bytes: inout MutableRawSpan) -> Bool {
        guard bytes.byteCount <= readableBytes else { return false }
        unsafe bytes.withUnsafeMutableBytes { destination in
            guard let start = destination.baseAddress else { return }
            unsafe copyReadable(to: start, count: destination.count)
        }
        return true
    }

    /// Reads the next bytes as a value and goes past them. Nil, with nothing read, if there are fewer.
    public mutating func read<Value: BitwiseCopyable>(as type: Value.Type, zero: Value) -> Value? {
        guard MemoryLayout<Value>.size <= readableBytes else { return nil }
        var value = zero
        // SAFETY: all of the value's bytes are written, and it takes every bit pattern: it is the
        // guest's, to be checked by whoever asked.
        unsafe withUnsafeMutableBytes(of: &value) { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe copyReadable(to: start, count: bytes.count)
        }
        return value
    }

    private mutating func copyReadable(to start: UnsafeMutableRawPointer, count: Int) {
        var done = 0
        while done < count {
            let segment = unsafe segments[firstReadable]
            let part = min(count - done, unsafe segment.iov_len)
            // SAFETY: the segment is guest RAM of iov_len bytes, and `start` has count.
            unsafe clinux_copy_shared(start + done, segment.iov_base, part)
            skipReadable(part)
            done += part
        }
    }

    /// Goes past bytes to read, which must be there.
    public mutating func skipReadable(_ count: Int) {
        precondition(count <= readableBytes)
        firstReadable = advance(from: firstReadable, by: count)
        readableBytes -= count
    }

    /// Writes bytes to the next place and goes past them.
    ///
    /// - Returns: how many found room.
    @discardableResult
    public mutating func write(_ bytes: RawSpan) -> Int {
        let count = min(bytes.byteCount, writableBytes)
        // SAFETY: the pointer is used for the length of the call.
        unsafe bytes.withUnsafeBytes { source in
            var done = 0
            while done < count, let start = source.baseAddress {
                let segment = unsafe segments[firstWritable]
                let part = min(count - done, unsafe segment.iov_len)
                // SAFETY: the segment is guest RAM of iov_len bytes, and `source` has count.
                unsafe clinux_copy_shared(segment.iov_base, start + done, part)
                skipWritable(part)
                done += part
            }
        }
        return count
    }

    /// Writes a value to the next place and goes past it.
    ///
    /// - Returns: false, with nothing written, if there is no room for all of it.
    @discardableResult
    public mutating func write<Value: BitwiseCopyable>(_ value: Value) -> Bool {
        guard MemoryLayout<Value>.size <= writableBytes else { return false }
        return unsafe withUnsafeBytes(of: value) { bytes in
            // SAFETY: `value` is a trivial value of the caller's without padding.
            unsafe write(bytes.bytes) == bytes.count
        }
    }

    /// Sets all bytes not yet written to one value, and goes past them.
    public mutating func fillRest(_ byte: UInt8) {
        while firstWritable < end {
            let segment = unsafe segments[firstWritable]
            // SAFETY: the segment is guest RAM of iov_len bytes.
            unsafe clinux_fill_shared(segment.iov_base, Int32(byte), segment.iov_len)
            firstWritable += 1
        }
        writableBytes = 0
    }

    /// Goes past bytes to write, which must be there.
    public mutating func skipWritable(_ count: Int) {
        precondition(count <= writableBytes)
        firstWritable = advance(from: firstWritable, by: count)
        writableBytes -= count
    }

    /// Cuts the last bytes off what is to be written, as for a status that stands behind the data.
    ///
    /// - Returns: where they are, or nil if the chain has fewer or they are not in one segment.
    public mutating func takeLastWritable(_ count: Int) -> GuestSlice? {
        guard count > 0, count <= writableBytes else { return nil }
        // SAFETY: there is a writable segment, since there are writable bytes.
        let length = unsafe segments[end - 1].iov_len
        guard length >= count, let base = unsafe segments[end - 1].iov_base else { return nil }
        writableBytes -= count
        // SAFETY: the segment is shortened by bytes it has.
        unsafe segments[end - 1].iov_len = length - count
        if length == count { end -= 1 }
        return unsafe GuestSlice(start: base + (length - count), count: count)
    }

    /// Cuts the first bytes off what is to be written, as for a header that is written once the length of
    /// what follows is known.
    ///
    /// - Returns: where they are, or nil, with nothing cut, if they are not in one segment.
    public mutating func takeFirstWritable(_ count: Int) -> GuestSlice? {
        guard count > 0, count <= writableBytes else { return nil }
        // SAFETY: there is a writable segment, since there are writable bytes.
        let segment = unsafe segments[firstWritable]
        guard unsafe segment.iov_len >= count, let base = unsafe segment.iov_base else { return nil }
        skipWritable(count)
        // SAFETY: the segment has at least `count` bytes from its base on.
        return unsafe GuestSlice(start: base, count: count)
    }

    /// Leaves only the first bytes to be read; more than there are changes nothing.
    public mutating func limitReadable(to count: Int) {
        var surplus = readableBytes - max(count, 0)
        guard surplus > 0 else { return }
        readableBytes -= surplus
        // The writable segments stand behind: those that are empty now stay between, with no bytes.
        var index = firstWritable - 1
        while surplus > 0 {
            // SAFETY: the readable segments have `surplus` bytes and more.
            let part = min(surplus, unsafe segments[index].iov_len)
            unsafe segments[index].iov_len -= part
            surplus -= part
            index -= 1
        }
    }

    /// Leaves only the first bytes to be written to; more than there are changes nothing.
    public mutating func limitWritable(to count: Int) {
        var surplus = writableBytes - max(count, 0)
        guard surplus > 0 else { return }
        writableBytes -= surplus
        while surplus > 0 {
            // SAFETY: the writable segments have `surplus` bytes and more.
            let length = unsafe segments[end - 1].iov_len
            if length > surplus {
                unsafe segments[end - 1].iov_len = length - surplus
                return
            }
            surplus -= length
            end -= 1
        }
    }

    private mutating func advance(from first: Int, by count: Int) -> Int {
        var left = count
        var index = first
        while left > 0 {
            // SAFETY: the callers have checked that so many bytes are there.
            let length = unsafe segments[index].iov_len
            if left < length {
                unsafe segments[index].iov_base += left
                unsafe segments[index].iov_len = length - left
                return index
            }
            left -= length
            index += 1
        }
        return index
    }

    /// What is left to read, for readv(2) and its kin: valid until the chain is next changed.
    public var unsafeReadable: UnsafeMutableBufferPointer<iovec> {
        // SAFETY: the range lies in the storage.
        unsafe UnsafeMutableBufferPointer(rebasing: segments[firstReadable..<firstWritable])
    }

    /// What is left to write to, for readv(2) and its kin: valid until the chain is next changed.
    public var unsafeWritable: UnsafeMutableBufferPointer<iovec> {
        // SAFETY: the range lies in the storage.
        unsafe UnsafeMutableBufferPointer(rebasing: segments[firstWritable..<end])
    }
}

/// A few checked bytes of the guest's, to write to once.
@safe
public struct GuestSlice: @unchecked Sendable {
    // @unchecked: guest RAM, reached by copies alone.
    private let start: UnsafeMutableRawPointer
    private let count: Int

    init(start: UnsafeMutableRawPointer, count: Int) {
        // SAFETY: only stored.
        unsafe self.start = start
        self.count = count
    }

    /// Sets every byte.
    public func fill(_ byte: UInt8) {
        // SAFETY: made from a validated segment of at least `count` bytes.
        unsafe clinux_fill_shared(start, Int32(byte), count)
    }

    /// Sets the first bytes to a value, of which as much is written as there is room for.
    public func write<Value: BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value) { bytes in
            guard let source = bytes.baseAddress else { return }
            // SAFETY: as above; the value is the caller's, without padding inside its size.
            unsafe clinux_copy_shared(start, source, min(count, bytes.count))
        }
    }
}

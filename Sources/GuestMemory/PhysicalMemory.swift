internal import CLinux
internal import Glibc
public import HostSystem
public import Synchronization

/// A guest address that is not RAM, or not aligned as the access needs.
public enum GuestMemoryError: Error, Equatable, CustomStringConvertible {
    /// Not all of the range is RAM.
    case outside(GuestAddress, size: UInt64)
    /// The address is not a multiple of the access's size.
    case misaligned(GuestAddress, size: UInt64)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .outside(let address, let size):
            "guest address \(address) and the \(size) bytes from there are not all RAM"
        case .misaligned(let address, let size):
            "guest address \(address) is not a multiple of \(size)"
        }
    }
}

/// An integer that the processor loads and stores whole.
public protocol GuestScalar: FixedWidthInteger, BitwiseCopyable, AtomicRepresentable, Sendable {
    /// The relaxed atomic load of this width; a plain `mov`.
    static func relaxedLoad(_ pointer: UnsafeMutableRawPointer) -> Self
    /// The relaxed atomic store of this width; a plain `mov`.
    static func relaxedStore(_ value: Self, _ pointer: UnsafeMutableRawPointer)
}

/// The guest's physical RAM, backed by one private anonymous mapping.
///
/// A guest changes its memory while we look at it, so no pointer, span or buffer of it leaves this
/// type: a compiler may assume that plain memory stays as it is between two reads, and it deleted a
/// waiting loop that relied on the opposite. What there is instead: single scalars by relaxed or
/// ordered atomics, and copies out and in. Copy a structure out once and validate the copy.
public final class PhysicalMemory: Sendable {
    /// Where the RAM lies.
    public let layout: AddressSpaceLayout
    @usableFromInline let mapping: Mapping
    @usableFromInline let lowSize: UInt64
    @usableFromInline let highSize: UInt64
    /// What was put in place of the anonymous memory, which `discard` must know.
    let files = FileParts()

    /// - Parameter hugePages: advise the kernel to back the RAM with transparent huge pages
    ///   (`MADV_HUGEPAGE`). Faster for big guests, wasteful for many small ones.
    public init(layout: AddressSpaceLayout, hugePages: Bool = false) throws(SystemError) {
        let mapping = try Mapping.anonymous(size: Int(layout.size))
        if hugePages {
            try mapping.advise(MADV_HUGEPAGE, length: mapping.size)
        }
        self.layout = layout
        self.mapping = mapping
        lowSize = layout.low.size
        highSize = layout.high?.size ?? 0
    }

    /// The host address of a range that is RAM as a whole. Only the `KVM` module needs it, to hand
    /// the range to the kernel as a memory slot.
    public func hostAddress(of range: GuestRange) throws(GuestMemoryError) -> UInt64 {
        // SAFETY: only the number is used; nothing is accessed through it here.
        unsafe UInt64(UInt(bitPattern: try pointer(to: range.start, size: range.size)))
    }

    /// The one place where a guest address becomes a pointer: the whole access lies in one region.
    @inlinable
    func pointer(to address: GuestAddress, size: UInt64) throws(GuestMemoryError) -> UnsafeMutableRawPointer {
        let raw = address.rawValue
        if raw < lowSize {
            guard size <= lowSize &- raw else { throw .outside(address, size: size) }
            // SAFETY: raw + size <= lowSize <= mapping.size.
            return unsafe mapping.start + Int(raw)
        }
        let offset = raw &- AddressSpaceLayout.holeEnd.rawValue
        guard raw >= AddressSpaceLayout.holeEnd.rawValue, offset < highSize, size <= highSize &- offset else {
            throw .outside(address, size: size)
        }
        // SAFETY: lowSize + offset + size <= lowSize + highSize == mapping.size.
        return unsafe mapping.start + Int(lowSize &+ offset)
    }

    @inlinable
    func scalarPointer<Scalar: GuestScalar>(
        _ type: Scalar.Type, _ address: GuestAddress
    ) throws(GuestMemoryError) -> UnsafeMutableRawPointer {
        let size = UInt64(MemoryLayout<Scalar>.size)
        guard address.isAligned(to: size) else { throw .misaligned(address, size: size) }
        return unsafe try pointer(to: address, size: size)
    }
}

extension PhysicalMemory {
    /// Loads a naturally aligned integer, in the guest's (little-endian) byte order.
    @inlinable
    public func load<Scalar: GuestScalar>(
        _ type: Scalar.Type = Scalar.self, at address: GuestAddress
    ) throws(GuestMemoryError) -> Scalar {
        // SAFETY: the pointer is checked for bounds and alignment.
        unsafe Scalar.relaxedLoad(try scalarPointer(type, address))
    }

    /// Stores a naturally aligned integer.
    @inlinable
    public func store<Scalar: GuestScalar>(
        _ value: Scalar, at address: GuestAddress
    ) throws(GuestMemoryError) {
        // SAFETY: the pointer is checked for bounds and alignment.
        unsafe Scalar.relaxedStore(value, try scalarPointer(Scalar.self, address))
    }

    /// A naturally aligned integer as an atomic, for the length of `body`: for ring indices and other
    /// words whose order against other accesses matters.
    @inlinable
    public func withAtomic<Scalar: GuestScalar, Result>(
        _ type: Scalar.Type, at address: GuestAddress, _ body: (borrowing Atomic<Scalar>) -> Result
    ) throws(GuestMemoryError) -> Result {
        // SAFETY: bounds and alignment are checked, Atomic<Scalar> has Scalar's layout, and the
        // mapping outlives the call because `self` does.
        let pointer = unsafe try scalarPointer(type, address).assumingMemoryBound(to: Atomic<Scalar>.self)
        return unsafe body(pointer.pointee)
    }

    /// Copies bytes out of the guest.
    public func copyOut(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(GuestMemoryError)
    {
        let source = unsafe try pointer(to: address, size: UInt64(bytes.byteCount))
        unsafe bytes.withUnsafeMutableBytes { destination in
            guard let start = destination.baseAddress else { return }
            // SAFETY: both sides are `destination.count` bytes, the guest's side checked above.
            unsafe clinux_copy_shared(start, source, destination.count)
        }
    }

    /// A copy of `count` bytes of the guest.
    public func bytes(at address: GuestAddress, count: Int) throws(GuestMemoryError) -> [UInt8] {
        guard count >= 0 else { throw .outside(address, size: UInt64.max) }
        _ = unsafe try pointer(to: address, size: UInt64(count))
        var copy = [UInt8](repeating: 0, count: count)
        var span = copy.mutableSpan
        // SAFETY: UInt8 accepts every bit pattern.
        var rawSpan = unsafe span.mutableBytes
        try copyOut(from: address, into: &rawSpan)
        return copy
    }

    /// Copies bytes into the guest.
    public func copyIn(_ bytes: RawSpan, to address: GuestAddress) throws(GuestMemoryError) {
        let destination = unsafe try pointer(to: address, size: UInt64(bytes.byteCount))
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            // SAFETY: both sides are `source.count` bytes, the guest's side checked above.
            unsafe clinux_copy_shared(destination, start, source.count)
        }
    }

    /// Copies an array's bytes into the guest.
    public func copyIn(_ bytes: [UInt8], to address: GuestAddress) throws(GuestMemoryError) {
        // SAFETY: a UInt8 has no padding that could be uninitialised.
        unsafe try copyIn(bytes.span.bytes, to: address)
    }

    /// Sets a range to one byte's value.
    public func fill(_ range: GuestRange, with byte: UInt8) throws(GuestMemoryError) {
        let start = unsafe try pointer(to: range.start, size: range.size)
        // SAFETY: the range is checked to be RAM as a whole.
        unsafe clinux_fill_shared(start, Int32(byte), Int(range.size))
    }
}

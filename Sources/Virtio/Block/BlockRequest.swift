/// The header of every request (virtio 1.2, 5.2.6): type, reserved, sector.
struct BlockHeader: BitwiseCopyable {
    var type: UInt32
    private var reserved: UInt32
    var sector: UInt64

    static let zero = BlockHeader(type: 0, reserved: 0, sector: 0)
}

/// The types of request (virtio 1.2, 5.2.6).
enum BlockRequestType: UInt32 {
    case read = 0
    case write = 1
    case flush = 4
    case identify = 8
    case discard = 11
    case writeZeroes = 13
}

/// What a request's last byte says (virtio 1.2, 5.2.6).
enum BlockStatus: UInt8 {
    case ok = 0
    case ioError = 1
    case unsupported = 2
}

/// One range of a discard or write-zeroes request (virtio 1.2, 5.2.6).
struct BlockRange: BitwiseCopyable {
    var sector: UInt64
    var sectorCount: UInt32
    var flags: UInt32

    static let zero = BlockRange(sector: 0, sectorCount: 0, flags: 0)
    static let size = 16
    /// Bit 0: the sectors may be given back to the host.
    static let unmap: UInt32 = 1
}

/// What the device is, for checking requests against.
struct BlockLimits: Sendable {
    /// Sectors are of 512 bytes, whatever the block size (virtio 1.2, 5.2.4).
    static let sectorSize: UInt64 = 512
    /// The most sectors a range of a discard or write-zeroes request may have: 1 GiB.
    static let rangeSectors: UInt32 = 1 << 21
    /// The most ranges a request may have.
    static let rangesPerRequest = 64

    /// The disk's size in sectors.
    let capacity: UInt64

    /// Where data of a read or write begins in the file; nil if they are no whole sectors, or not all there.
    func offset(of sector: UInt64, bytes: Int) -> UInt64? {
        let length = UInt64(bytes)
        guard length & (Self.sectorSize - 1) == 0 else { return nil }
        return offset(of: sector, sectors: length / Self.sectorSize)
    }

    /// Where sectors begin in the file, in bytes; nil if they are not all there.
    func offset(of sector: UInt64, sectors: UInt64) -> UInt64? {
        guard sector <= capacity, sectors <= capacity - sector else { return nil }
        // The capacity in bytes is a file's size, so that this cannot overflow.
        return sector * Self.sectorSize
    }
}

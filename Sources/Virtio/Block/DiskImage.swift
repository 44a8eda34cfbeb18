internal import CLinux
internal import Glibc
public import HostSystem

/// Why a file cannot be a disk.
public enum DiskImageError: Error, Equatable, CustomStringConvertible {
    /// It is missing, or may not be opened so.
    case unusable(SystemError)
    /// It is neither a regular file nor a block device.
    case wrongKind(String, kind: String)
    /// It has no bytes.
    case empty(String)
    /// It is not of whole sectors.
    case oddSize(String, size: UInt64)
    /// Somebody has it open in a way that excludes this.
    case locked(String, holder: String?, isReadOnly: Bool)
    /// Its file system has no O_DIRECT.
    case notDirect(String)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .unusable(let error): return error.description
        case .wrongKind(let path, let kind):
            return "the disk \(path) is \(kind); a disk is a raw image, a regular file, or a block device"
        case .empty(let path):
            return "the disk \(path) is empty; give it a size first, `truncate -s 1G \(path)` for one"
        case .oddSize(let path, let size):
            return "the disk \(path) has \(size) bytes, which is no multiple of 512; is it a raw image?"
        case .locked(let path, let holder, let isReadOnly):
            let by = holder.map { " by \($0)" } ?? ""
            let rule =
                isReadOnly
                ? "a disk that is written to cannot be read by another"
                : "only one may use a disk that it writes to (readonly=on lets many read it)"
            return "the disk \(path) is in use\(by); \(rule)"
        case .notDirect(let path):
            return "the disk \(path) is on a file system that has no direct I/O; leave direct=on out"
        }
    }
}

/// What a disk's image is like.
struct ImageShape: Sendable {
    var isReadOnly: Bool
    /// In bytes, a multiple of 512.
    var size: UInt64
    /// The smallest unit that is read and written without more ado, in bytes: a power of two from 512.
    var logicalBlock = 512
    /// The unit the medium is written in, in bytes: a power of two, at least the logical one.
    var physicalBlock = 512
    /// The smallest good and the best request, in bytes; 0 if unknown.
    var leastIO = 0
    var bestIO = 0
    var canPunchHoles = false
    /// What addresses, offsets and lengths must be multiples of to pass the page cache by; nil if nothing
    /// is to.
    var directAlignment: (memory: Int, offset: Int)?
}

/// A raw image, or a block device: open, and locked as long as its owner lives.
public struct DiskImage: ~Copyable, Sendable {
    /// The path, for messages.
    public let path: String
    let shape: ImageShape
    private let buffered: OwnedDescriptor
    private let direct: OwnedDescriptor?

    /// The disk's size in bytes.
    public var size: UInt64 { shape.size }
    /// Whether it was opened for reading only.
    public var isReadOnly: Bool { shape.isReadOnly }

    /// The descriptor by way of the page cache.
    var bufferedNumber: Int32 { buffered.number }

    /// The descriptors, as a `FileEngine` wants them.
    var files: [Int32] {
        switch direct {
        case .some(let direct): [buffered.number, direct.number]
        case .none: [buffered.number]
        }
    }

    /// Lets others have it, at the end.
    func unlock() {
        OpenFileLock.release(buffered.number)
    }

    /// The places in `files`.
    static let bufferedFile = 0
    static let directFile = 1

    /// Opens and locks an image, and checks that it can be a disk.
    ///
    /// - Parameters:
    ///   - isReadOnly: then others may read it too; else nobody may.
    ///   - isDirect: whether to pass the host's page cache by, where the guest's requests allow it.
    public static func open(
        _ path: String, isReadOnly: Bool, isDirect: Bool = false
    ) throws(DiskImageError) -> DiskImage {
        var status = stat()
        let access = isReadOnly ? O_RDONLY : O_RDWR
        // Not to wait for a pipe's other side; it says nothing of regular files.
        let file = try openFile(path, access | O_NONBLOCK | O_NOCTTY, isReadOnly: isReadOnly)
        // SAFETY: the structure is ours.
        guard unsafe fstat(file.number, &status) == 0 else {
            throw .unusable(SystemError("look at the disk \(path)", number: errno))
        }
        let isDevice = status.st_mode & S_IFMT == S_IFBLK
        guard isDevice || status.st_mode & S_IFMT == S_IFREG else {
            throw .wrongKind(path, kind: kind(status.st_mode))
        }
        try lock(file, path, isReadOnly: isReadOnly)
        // A device that is mounted, or somebody's by whatever node, is no disk to write to.
        let claim =
            isDevice && !isReadOnly
            ? try openFile(path, access | O_NONBLOCK | O_EXCL, isReadOnly: isReadOnly) : nil
        var shape = ImageShape(isReadOnly: isReadOnly, size: UInt64(max(0, status.st_size)))
        if isDevice {
            try describeDevice(file, path, &shape)
        } else {
            describeFile(status, &shape)
        }
        guard shape.size > 0 else { throw .empty(path) }
        guard shape.size % BlockLimits.sectorSize == 0 else { throw .oddSize(path, size: shape.size) }
        shape.canPunchHoles = !isReadOnly && punchesHoles(file, isDevice: isDevice, beyond: shape.size)
        let direct = isDirect ? try openDirect(file, path, access, &shape) : nil
        return DiskImage(path: path, shape: shape, buffered: file, direct: direct, claim: claim)
    }

    /// Keeps a block device to itself.
    private let claim: OwnedDescriptor?

    private init(
        path: String, shape: ImageShape, buffered: consuming OwnedDescriptor,
        direct: consuming OwnedDescriptor?, claim: consuming OwnedDescriptor?
    ) {
        self.path = path
        self.shape = shape
        self.buffered = buffered
        self.direct = direct
        self.claim = claim
    }

    private static func openFile(
        _ path: String, _ flags: Int32, isReadOnly: Bool
    ) throws(DiskImageError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor.open(path, flags)
        } catch {
            switch error.number {
            case EISDIR: throw .wrongKind(path, kind: "a directory")
            case EBUSY: throw .locked(path, holder: "this host (is it mounted?)", isReadOnly: isReadOnly)
            default:
                let isForbidden = [EACCES, EPERM, EROFS].contains(error.number)
                throw .unusable(
                    SystemError(
                        "open the disk \(path)", number: error.number,
                        advice: isForbidden && !isReadOnly ? "readonly=on only reads it" : nil))
            }
        }
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFCHR: "a character device"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "no file"
        }
    }

    private static func lock(
        _ file: borrowing OwnedDescriptor, _ path: String, isReadOnly: Bool
    ) throws(DiskImageError) {
        if try acquire(file, path, isReadOnly: isReadOnly) { return }
        var holders = holders(of: file)
        // What a process leaves when it is killed the kernel takes apart a moment later: as long as there
        // is I/O under way, the lock stays, and nobody can be seen to hold it.
        for _ in 0..<lockAttempts where holders.isEmpty {
            usleep(lockInterval)
            if try acquire(file, path, isReadOnly: isReadOnly) { return }
        }
        if holders.isEmpty { holders = Self.holders(of: file) }
        throw .locked(
            path, holder: holders.isEmpty ? nil : holders.joined(separator: " and "), isReadOnly: isReadOnly)
    }

    /// A second in all.
    private static let lockAttempts = 200
    /// In microseconds.
    private static let lockInterval: UInt32 = 5000

    private static func acquire(
        _ file: borrowing OwnedDescriptor, _ path: String, isReadOnly: Bool
    ) throws(DiskImageError) -> Bool {
        do {
            return try OpenFileLock.acquire(file.number, isExclusive: !isReadOnly)
        } catch {
            throw .unusable(
                SystemError(
                    "lock the disk \(path)", number: error.number,
                    advice: "without a lock two machines could write to it"))
        }
    }

    private static func holders(of file: borrowing OwnedDescriptor) -> [String] {
        OpenFileLock.holders(of: file.number).map { process, name in
            process == getpid() ? "this machine itself" : "\(name), process \(process)"
        }
    }

    private static func describeFile(_ status: stat, _ shape: inout ImageShape) {
        let block = Int(status.st_blksize)
        // What the file system calls good is a power of two on all of them, but a lie on some.
        guard block > 512, block & (block - 1) == 0, block <= 64 << 10 else { return }
        shape.physicalBlock = block
        shape.leastIO = block
    }

    private static func describeDevice(
        _ file: borrowing OwnedDescriptor, _ path: String, _ shape: inout ImageShape
    ) throws(DiskImageError) {
        var facts = clinux_block_device()
        // SAFETY: the structure is ours.
        let result = unsafe clinux_block_device_facts(file.number, &facts)
        do {
            try checked(result, "ask the block device \(path) what it is")
        } catch {
            throw .unusable(error)
        }
        shape.size = facts.size
        shape.logicalBlock = max(512, Int(facts.logical_block))
        shape.physicalBlock = max(shape.logicalBlock, Int(facts.physical_block))
        shape.leastIO = Int(facts.least_io)
        shape.bestIO = Int(facts.best_io)
    }

    /// Whether holes can be punched, which is tried where nothing is.
    private static func punchesHoles(
        _ file: borrowing OwnedDescriptor, isDevice: Bool, beyond size: UInt64
    ) -> Bool {
        // A device has nothing behind its end; it says at the first time if it cannot.
        if isDevice { return true }
        let command = FileCommand(.punchHole, file: 0, offset: (size + 4095) & ~4095, length: 4096, token: 0)
        return command.execute(on: file.number) == 0
    }

    /// Opens the file that is open already, whatever its name is now, once more and past the page cache.
    private static func openDirect(
        _ file: borrowing OwnedDescriptor, _ path: String, _ access: Int32, _ shape: inout ImageShape
    ) throws(DiskImageError) -> OwnedDescriptor {
        let direct: OwnedDescriptor
        do {
            direct = try OwnedDescriptor.open("/proc/self/fd/\(file.number)", access | clinux_direct_flag())
        } catch {
            if error.number == EINVAL { throw .notDirect(path) }
            throw .unusable(SystemError("open the disk \(path) for direct I/O", number: error.number))
        }
        var memory: UInt32 = 0
        var offset: UInt32 = 0
        // SAFETY: both numbers are ours. A kernel before 6.1 does not tell: a page is enough anywhere.
        if unsafe clinux_direct_alignment(direct.number, &memory, &offset) < 0 {
            memory = 4096
            offset = 4096
        }
        guard memory > 0, offset > 0 else { throw .notDirect(path) }
        shape.directAlignment = (Int(memory), Int(offset))
        shape.logicalBlock = max(shape.logicalBlock, Int(offset))
        shape.physicalBlock = max(shape.physicalBlock, shape.logicalBlock)
        return direct
    }
}

internal import Glibc

/// A range of this process's address space made by mmap(2), with one owner. Unmapped when it ends.
@safe
public struct Mapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the range is valid and of one size for the mapping's whole life; who may access
    // which bytes when is the business of the type that owns the mapping.

    /// The first byte.
    public let start: UnsafeMutableRawPointer
    /// The length in bytes, a multiple of the page size.
    public let size: Int

    private init(start: UnsafeMutableRawPointer, size: Int) {
        // SAFETY: only stored.
        unsafe self.start = start
        self.size = size
    }

    deinit {
        // SAFETY: the range was mapped by the initialiser and is not used after its owner ends.
        unsafe munmap(start, size)
    }

    /// Private anonymous memory, zero when first read. Nothing is committed before it is touched.
    public static func anonymous(size: Int) throws(SystemError) -> Mapping {
        try map(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, descriptor: -1, what: "anonymous memory")
    }

    /// A shared mapping of a descriptor's bytes, by default its first.
    public static func shared(
        _ descriptor: borrowing OwnedDescriptor, size: Int, offset: Int = 0, what: String
    ) throws(SystemError) -> Mapping {
        try map(size, MAP_SHARED, descriptor: descriptor.number, offset: offset, what: what)
    }

    /// A shared mapping of a new file, all zero, for its owner only.
    ///
    /// Its blocks are allocated here, so that a full disk is an error now and not a signal later.
    /// - Throws: also if the path exists; nothing is written over, as others may have it open.
    public static func newFile(_ path: String, size: Int) throws(SystemError) -> Mapping {
        let file = try OwnedDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        let number = posix_fallocate(file.number, 0, off_t(size))
        guard number == 0 else {
            FileTree.remove(path)
            throw SystemError("allocate \(size) bytes for \(path)", number: number)
        }
        return try shared(file, size: size, what: path)
    }

    /// Leaves the range mapped for the rest of the process's life.
    public consuming func leak() {
        discard self
    }

    private static func map(
        _ size: Int, _ flags: Int32, descriptor: Int32, offset: Int = 0, what: String
    ) throws(SystemError) -> Mapping {
        // SAFETY: a new range is asked for (no MAP_FIXED), so no existing memory is replaced.
        let start = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, offset)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            throw SystemError("map \(size) bytes of \(what)", number: errno)
        }
        return unsafe Mapping(start: start, size: size)
    }

    /// Puts a file's pages in place of part of the range: read from the page cache when touched, shared
    /// with everybody who maps them, and private from the first write on.
    ///
    /// - Returns: false if the file system cannot do that; the range is then as before.
    public func overlay(_ file: borrowing RegularFile, at fileOffset: UInt64, offset: Int, length: Int)
        -> Bool
    {
        precondition(offset >= 0 && length > 0 && offset <= size - length)
        // SAFETY: MAP_FIXED replaces pages of this mapping alone, which the precondition checks.
        let start = unsafe mmap(
            self.start + offset, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
            file.descriptor.number, off_t(truncatingIfNeeded: fileOffset))
        return unsafe start != MAP_FAILED
    }

    /// madvise(2) on part of the range.
    public func advise(_ advice: Int32, offset: Int = 0, length: Int) throws(SystemError) {
        // SAFETY: the part lies inside this mapping, which the precondition checks.
        precondition(offset >= 0 && length >= 0 && offset <= size - length)
        guard unsafe madvise(start + offset, length, advice) == 0 else {
            throw SystemError("advise the kernel about memory (\(advice))", number: errno)
        }
    }
}

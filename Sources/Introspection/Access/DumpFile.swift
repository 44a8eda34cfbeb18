public import GuestMemory
internal import Glibc
internal import HostSystem

/// A file with a guest's physical memory: an ELF core, or the raw bytes from address 0.
public final class DumpFile: PhysicalSource {
    /// Its path.
    public let path: String
    /// The memory there is, ascending.
    public let regions: [GuestRange]
    /// The notes of an ELF core: owner, kind and content. Empty for a raw dump.
    public let notes: [DumpNote]
    private let file: RegularFile
    private let parts: [Part]

    /// A stretch of memory and where in the file it lies.
    struct Part {
        let range: GuestRange
        let fileOffset: UInt64
    }

    /// Opens a dump.
    ///
    /// - Throws: `DumpError`, with a sentence that names the file.
    public init(path: String) throws(DumpError) {
        let opened: RegularFile
        do throws(SystemError) {
            opened = try RegularFile.open(path)
        } catch {
            throw DumpError(path, "\(error)", isUnreadable: true)
        }
        let layout = try DumpLayout(of: opened)
        self.path = path
        parts = layout.parts
        notes = layout.notes
        regions = layout.parts.map(\.range)
        file = opened
    }

    /// Copies physically contiguous bytes; see `PhysicalSource`.
    public func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError) {
        let count = bytes.byteCount
        guard count > 0 else { return }
        guard let range = GuestRange(start: address, size: UInt64(count)),
            let part = parts.first(where: { $0.range.contains(range) })
        else { throw .notMemory(address) }
        let offset = part.fileOffset + (address.rawValue - part.range.start.rawValue)
        let failure: SystemError? = unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return nil }
            // SAFETY: the buffer has as many bytes as are asked for.
            return unsafe file.readFully(at: offset, into: start, count: count)
        }
        if let failure { throw .source("\(failure)") }
    }

    /// Copies whole pages; see `PhysicalSource`.
    public func copyPages(_ pages: [UInt64], into bytes: inout MutableRawSpan) throws(ReadError) {
        let size = GuestImage.pageSize
        for (index, page) in pages.enumerated() {
            var part = bytes._mutatingExtracting(index * size..<(index + 1) * size)
            try copy(from: GuestAddress(page << 12), into: &part)
        }
    }
}

/// A file that is no memory dump, or a broken one.
public struct DumpError: Error, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong, and what to do.
    public let problem: String
    /// The file is missing, or may not be opened: it says nothing of what is in it.
    public let isUnreadable: Bool

    init(_ path: String, _ problem: String, isUnreadable: Bool = false) {
        self.path = path
        self.problem = problem
        self.isUnreadable = isUnreadable
    }

    /// One sentence for people.
    public var description: String { problem.contains(path) ? problem : "\(path): \(problem)" }
}

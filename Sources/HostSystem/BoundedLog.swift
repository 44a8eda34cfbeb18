internal import CLinux
internal import Glibc

/// A file that is only written at its end and begun anew at a size, with what was before beside it.
public struct BoundedLog: ~Copyable, Sendable {
    /// Its path, for messages.
    public let path: String
    private let oldPath: String
    private let limit: Int
    private var descriptor: OwnedDescriptor
    private var size = 0

    /// Makes the file, empty, for its owner only.
    ///
    /// - Parameters:
    ///   - oldPath: where its content is kept, in place of what is there, when it is begun anew.
    ///   - limit: the size in bytes at which that happens.
    public init(path: String, oldPath: String, limit: Int) throws(SystemError) {
        descriptor = try Self.create(path)
        self.path = path
        self.oldPath = oldPath
        self.limit = limit
    }

    private static func create(_ path: String) throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
    }

    /// Adds bytes.
    ///
    /// - Returns: how many the disk had room for.
    public mutating func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        if size >= limit {
            try FileTree.rename(path, to: oldPath)
            descriptor = try Self.create(path)
            size = 0
        }
        let count = try DescriptorIO.write(descriptor.number, bytes, operation: "write \(path)")
        size += count
        return count
    }

    /// The last bytes that were added, at most so many, of this file and the one before.
    public func tail(_ limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        if size < limit, let old = try? OwnedDescriptor.open(oldPath, O_RDONLY) {
            var status = stat()
            // SAFETY: the structure is ours, the descriptor open.
            if unsafe fstat(old.number, &status) == 0 {
                bytes = Self.read(old.number, Int(status.st_size), limit - size)
            }
        }
        return bytes + Self.read(descriptor.number, size, limit)
    }

    private static func read(_ descriptor: Int32, _ size: Int, _ limit: Int) -> [UInt8] {
        let count = min(size, limit)
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_pread(descriptor, buffer.baseAddress, count, off_t(size - count))
        }
        bytes.removeSubrange(max(0, result)...)
        return bytes
    }
}

import Glibc
import MachineTesting

/// Files as disks' images, and what the host says of them.
enum TestFile {
    static func make(_ path: String, contents: [UInt8]? = nil, size: Int = 0) throws {
        let number = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw TestFailure("cannot make \(path): errno \(errno)") }
        defer { close(number) }
        if let contents {
            let count = unsafe contents.withUnsafeBytes { unsafe pwrite(number, $0.baseAddress, $0.count, 0) }
            guard count == contents.count else { throw TestFailure("cannot fill \(path): errno \(errno)") }
        } else {
            guard ftruncate(number, size) == 0 else { throw TestFailure("cannot size \(path)") }
        }
    }

    static func truncate(_ path: String, to size: Int) throws {
        guard unsafe Glibc.truncate(path, size) == 0 else { throw TestFailure("cannot cut \(path)") }
    }

    static func bytes(_ path: String, at offset: Int, count: Int) throws -> [UInt8] {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw TestFailure("cannot open \(path): errno \(errno)") }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: count)
        let done = unsafe bytes.withUnsafeMutableBytes { unsafe pread(number, $0.baseAddress, count, offset) }
        return Array(bytes.prefix(max(0, done)))
    }

    /// The bytes the file takes on its file system.
    static func allocated(_ path: String) throws -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw TestFailure("cannot look at \(path)") }
        return Int(status.st_blocks) * 512
    }
}

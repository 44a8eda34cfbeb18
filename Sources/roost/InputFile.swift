internal import Glibc
internal import HostSystem
internal import Specification

/// Files that the user names.
enum InputFile {
    /// Reads a whole text; `-` is standard input.
    ///
    /// - Parameter limit: one byte more than this is read at most, so that the reader of the text
    ///   sees that it is too long.
    static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        do {
            if path == "-" {
                return try readAll(from: 0, limit: limit, name: "standard input")
            }
            let file = try OwnedDescriptor.open(path, O_RDONLY)
            return try readAll(from: file.number, limit: limit, name: path)
        } catch {
            throw CommandFailure(.noInput, error)
        }
    }

    /// Reads a small file of the kernel's, of /proc or /sys; nil when it is not there.
    static func readSystemFile(_ path: String) -> String? {
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY),
            let bytes = try? readAll(from: file.number, limit: 1 << 20, name: path)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func readAll(
        from descriptor: Int32, limit: Int, name: String
    ) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        while result.count <= limit {
            var number: Int32 = 0
            let wanted = min(1 << 16, limit + 1 - result.count)
            // SAFETY: read(2) initialises the bytes that it counts, at most the buffer's size.
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
                let count = unsafe Glibc.read(descriptor, buffer.baseAddress, wanted)
                number = count < 0 ? errno : 0
                initialized = max(0, count)
            }
            if number == EINTR { continue }
            guard number == 0 else { throw SystemError("read \(name)", number: number) }
            if chunk.isEmpty { break }
            result += chunk
        }
        return result
    }

    /// Makes sure early, for a good message, that a file the worker will load is a readable file.
    ///
    /// - Parameter role: what the file is to the user, such as `kernel`.
    static func check(_ path: String, role: String) throws(CommandFailure) {
        let file: OwnedDescriptor
        do {
            // O_NONBLOCK: a pipe without a writer must not make this wait.
            file = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        } catch {
            let reason = SystemError("read the \(role) \(path)", number: error.number)
            throw CommandFailure(.noInput, reason)
        }
        var status = stat()
        // SAFETY: fstat fills the structure that it is given, which lives in this frame.
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.noInput, "the \(role) \(path) is not a regular file")
        }
    }
}

internal import CLinux
internal import Glibc
public import HostSystem

/// Where random bytes come from.
public struct EntropySource: ~Copyable, Sendable {
    /// The file; nil for the kernel's own generator.
    let file: OwnedDescriptor?
    /// What people call it.
    let name: String

    /// The kernel's generator, as `/dev/urandom` has it.
    public static func kernel() -> EntropySource {
        EntropySource(file: nil, name: "the kernel")
    }

    /// A file: a hardware generator, a pipe, or any file of bytes, which ends some day.
    public static func file(_ path: String) throws(SystemError) -> EntropySource {
        let file = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        // SAFETY: the structure is ours.
        guard unsafe fstat(file.number, &status) == 0 else {
            throw SystemError("look at \(path)", number: errno)
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw SystemError("read \(path)", number: EISDIR)
        }
        return EntropySource(file: file, name: path)
    }

    /// The file's descriptor; -1 for none.
    var fileNumber: Int32 {
        switch file {
        case .some(let file): file.number
        case .none: -1
        }
    }

    /// What a read came to.
    enum Outcome: Equatable {
        /// So many bytes, at least one.
        case bytes(Int)
        /// Nothing now.
        case nothingYet
        /// Nothing, and perhaps never: the end, or an error number.
        case failed(Int32?)
    }

    /// Fills the first bytes of a buffer, as many as there are now.
    func read(into bytes: inout [UInt8], limit: Int) -> Outcome {
        let wanted = min(limit, bytes.count)
        let number = fileNumber
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: the buffer has at least `wanted` bytes.
            unsafe number < 0
                ? clinux_random(buffer.baseAddress, wanted) : clinux_read(number, buffer.baseAddress, wanted)
        }
        if result > 0 { return .bytes(result) }
        if result == -Int(EAGAIN) { return .nothingYet }
        return .failed(result == 0 ? nil : Int32(truncatingIfNeeded: -result))
    }
}

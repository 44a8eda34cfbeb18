internal import CLinux
internal import Glibc

/// A file descriptor with exactly one owner. It is closed when the owner lets go of it.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it. It is invalid once the owner is gone.
    public let number: Int32

    /// Takes over an open descriptor: nobody else may close it from here on.
    public init(takingOver number: Int32) {
        self.number = number
    }

    deinit {
        // An error of close(2) leaves the descriptor closed all the same; there is nothing to retry.
        _ = Glibc.close(number)
    }

    /// Gives the descriptor up without closing it.
    public consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// Opens a file, close-on-exec.
    ///
    /// - Parameters:
    ///   - flags: `O_RDONLY` and the like; `O_CLOEXEC` is added.
    ///   - mode: permissions of a file that is created.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        let result = unsafe path.withCString { path in
            // SAFETY: `path` is a C string for the length of this call.
            unsafe clinux_open(path, flags | O_CLOEXEC, mode)
        }
        return OwnedDescriptor(takingOver: try checked(result, "open \(path)"))
    }
}

internal import CLinux
internal import Glibc

/// This process.
public enum HostProcess {
    /// Has all threads allocate from one heap. The C library gives each one of its own, which takes system calls
    /// when a thread starts and some 12 KiB as long as it lives; threads that allocate little need none.
    ///
    /// Before there are other threads.
    public static func shareHeap() {
        clinux_share_heap()
    }

    /// An environment variable's value; nil if it is not set.
    public static func environment(_ name: String) -> String? {
        // SAFETY: nothing in this process changes the environment; the text is copied at once.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Ends it with a status, without running what was registered for its end: the kernel takes
    /// everything back anyway, and quicker.
    public static func exit(_ status: Int32) -> Never {
        _exit(status)
    }

    /// The process's number.
    public static var identifier: Int32 { getpid() }

    /// The user this process acts as.
    public static var user: UInt32 { geteuid() }

    /// Lets what is written to standard error go to an open file from now on.
    public static func replaceStandardError(by file: borrowing OwnedDescriptor) throws(SystemError) {
        guard dup2(file.number, STDERR_FILENO) >= 0 else {
            throw SystemError("replace standard error", number: errno)
        }
    }

    /// Opens /dev/null in place of each standard descriptor that is closed, so that no file opened
    /// later gets its number and is then written to, or read, as if it were the console.
    ///
    /// Before anything is opened. It survives exec(3), as standard descriptors do.
    public static func fillStandardDescriptors() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
            // SAFETY: the path is a C string for the length of the call. The answer is the lowest free
            // number, which is this one; without /dev/null there is nothing better to do.
            _ = unsafe clinux_open("/dev/null", number == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0)
        }
    }

    /// A capability of capabilities(7).
    public enum Capability: Int, Sendable {
        /// To lower nice values, and to place threads of other users. C constant: `CAP_SYS_NICE`.
        case systemNice = 23
    }

    /// Whether this process has a capability now (`CapEff` of /proc/self/status).
    public static func hasCapability(_ capability: Capability) -> Bool {
        // A kernel that does not tell gives nothing to rely on.
        guard let file = try? OwnedDescriptor.open("/proc/self/status", O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 1 << 16)
        else { return false }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("CapEff:") {
            let digits = line.dropFirst("CapEff:".count).drop { $0 == "\t" || $0 == " " }
            return (UInt64(digits, radix: 16) ?? 0) >> UInt64(capability.rawValue) & 1 == 1
        }
        return false
    }
}

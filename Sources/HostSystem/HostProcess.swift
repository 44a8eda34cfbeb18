internal import CLinux
internal import Glibc

/// This process.
public enum HostProcess {
    /// The words of the command line, the program's name first.
    ///
    /// Read from the kernel: `CommandLine.arguments` looks for them on the stack, by way of
    /// `/proc/self/maps`, which costs a starting process 0.1 ms.
    public static func arguments() throws(SystemError) -> [String] {
        let file = try OwnedDescriptor.open("/proc/self/cmdline", O_RDONLY)
        let text = try DescriptorIO.readAll(file.number, limit: 2 << 20)
        return text.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
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
}

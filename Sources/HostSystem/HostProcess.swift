internal import CLinux
internal import Glibc

/// This process.
public enum HostProcess {
    /// Ends it with a status, without running what was registered for its end: the kernel takes
    /// everything back anyway, and quicker.
    public static func exit(_ status: Int32) -> Never {
        _exit(status)
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

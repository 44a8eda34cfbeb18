internal import Glibc

/// This process.
public enum HostProcess {
    /// Ends it with a status, without running what was registered for its end: the kernel takes
    /// everything back anyway, and quicker.
    public static func exit(_ status: Int32) -> Never {
        _exit(status)
    }
}

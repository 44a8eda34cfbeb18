internal import CLinux
internal import Glibc

/// Another process, held by a descriptor: its number cannot come to mean a third one meanwhile.
public struct OtherProcess: ~Copyable, Sendable {
    /// Its number.
    public let identifier: Int32
    private let descriptor: OwnedDescriptor

    /// Takes hold of a process; pidfd_open(2).
    ///
    /// - Throws: ESRCH if there is none of that number.
    public init(_ identifier: Int32) throws(SystemError) {
        descriptor = OwnedDescriptor(
            takingOver: try checked(clinux_pidfd_open(identifier), "find process \(identifier)"))
        self.identifier = identifier
    }

    /// A descriptor that becomes readable when the process ends. It lives as long as this value.
    public var endDescriptor: Int32 { descriptor.number }

    /// Whether it has ended: its number may then mean another process. It costs a call of the kernel's.
    public var hasEnded: Bool {
        var events = PollSet()
        events.watch(descriptor.number, for: .readable)
        // A poll of one's own descriptor fails only for want of memory: then the worse is assumed.
        return (try? events.wait(timeoutMilliseconds: 0)) ?? true
    }

    /// A descriptor for what one of the process's own descriptors is for; pidfd_getfd(2). The process does
    /// not notice.
    ///
    /// - Throws: EPERM if this process may not trace that one.
    public func duplicate(_ number: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            takingOver: try checked(
                clinux_pidfd_getfd(descriptor.number, number),
                "borrow descriptor \(number) of process \(identifier)"))
    }

    /// When it was started, in nanoseconds of `HostClock.bootNanoseconds`, in steps of a hundredth second.
    public func startTime() throws(SystemError) -> UInt64 {
        let text = try file("stat")
        // The name in parentheses may hold anything, parentheses too.
        let fields = text[(text.lastIndex(of: UInt8(ascii: ")")) ?? text.startIndex)...].split(
            separator: UInt8(ascii: " "))
        // proc(5): field 22, and the split begins with the end of field 2.
        guard fields.count > 20, let ticks = UInt64(String(decoding: fields[20], as: UTF8.self)) else {
            throw SystemError("understand /proc/\(identifier)/stat", number: EINVAL)
        }
        let perSecond = UInt64(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        return ticks.multipliedReportingOverflow(by: 1_000_000_000 / perSecond).partialValue
    }

    /// The whole of a file below `/proc/PID/`.
    public func file(_ name: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        let path = "/proc/\(identifier)/\(name)"
        let descriptor = try OwnedDescriptor.open(path, O_RDONLY)
        return try DescriptorIO.readAll(descriptor.number, limit: limit, operation: "read \(path)")
    }
}

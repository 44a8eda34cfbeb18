internal import Glibc

/// What poll(2) found out about one descriptor.
public struct Readiness: OptionSet, Sendable {
    /// The bits of `struct pollfd.revents`.
    public let rawValue: Int16

    /// Bits as poll(2) has them.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// There is something to read. C constant: `POLLIN`.
    public static let readable = Readiness(rawValue: Int16(POLLIN))
    /// A write of up to a page will not block. C constant: `POLLOUT`.
    public static let writable = Readiness(rawValue: Int16(POLLOUT))
    /// The other side is gone. C constant: `POLLHUP`.
    public static let hangup = Readiness(rawValue: Int16(POLLHUP))
    /// The descriptor is broken. C constant: `POLLERR`.
    public static let error = Readiness(rawValue: Int16(POLLERR))
}

/// Waits for several descriptors at once: poll(2), for the handful a machine's main thread has.
public struct PollSet: Sendable {
    private var entries: [pollfd] = []

    /// Waits for nothing yet.
    public init() {}

    /// Sets what to wait for on a descriptor; an empty set forgets it.
    public mutating func watch(_ descriptor: Int32, for interest: Readiness) {
        if let index = entries.firstIndex(where: { $0.fd == descriptor }) {
            if interest.isEmpty {
                entries.remove(at: index)
            } else {
                entries[index].events = interest.rawValue
            }
        } else if !interest.isEmpty {
            entries.append(pollfd(fd: descriptor, events: interest.rawValue, revents: 0))
        }
    }

    /// Waits for the first of them, or a time.
    ///
    /// - Parameter timeoutMilliseconds: nil waits for ever.
    /// - Returns: false if the time ran out or a signal came first.
    @discardableResult
    public mutating func wait(timeoutMilliseconds: Int32?) throws(SystemError) -> Bool {
        // SAFETY: the array is one block of `count` structures.
        let result = unsafe poll(&entries, nfds_t(entries.count), timeoutMilliseconds ?? -1)
        if result < 0 {
            for index in entries.indices { entries[index].revents = 0 }
            guard errno == EINTR else { throw SystemError("wait for events", number: errno) }
        }
        return result > 0
    }

    /// What the last wait found on a descriptor.
    public func readiness(of descriptor: Int32) -> Readiness {
        Readiness(rawValue: entries.first { $0.fd == descriptor }?.revents ?? 0)
    }
}

internal import Glibc
internal import HostSystem

/// systemd, if it started us: sd_listen_fds(3) and sd_notify(3), by their documented protocols.
struct ServiceManager {
    /// The first descriptor that is passed; C constant: `SD_LISTEN_FDS_START`.
    private static let firstDescriptor: Int32 = 3

    /// The socket it listens on for us; nil if there is none.
    let listener: Int32?
    private let notificationSocket: String?

    /// Whether it wants to be told anything.
    var isThere: Bool { notificationSocket != nil }

    /// Reads the environment.
    init() {
        let isForUs = HostProcess.environment("LISTEN_PID") == "\(HostProcess.identifier)"
        let count = HostProcess.environment("LISTEN_FDS").flatMap { Int($0) } ?? 0
        listener = isForUs && count >= 1 ? Self.firstDescriptor : nil
        notificationSocket = HostProcess.environment("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Says something, such as `READY=1`. Nobody need listen.
    func tell(_ state: String) {
        guard let notificationSocket else { return }
        try? LocalSocket.sendDatagram(Array(state.utf8), to: notificationSocket)
    }
}

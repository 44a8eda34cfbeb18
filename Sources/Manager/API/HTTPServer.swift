internal import Glibc
internal import HostSystem
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Stages

/// Serves the API on a socket that is listening already: one that systemd gave, or our own.
///
/// Hummingbird's channel and its HTTP types; its own server binds to a path, and its router does not tell a
/// wrong method from a wrong address.
public struct HTTPServer: Sendable {
    private let core: ManagerCore
    private let connections = ConnectionCount()
    private let logger = Logger(label: "roostd") { _ in SwiftLogNoOpLogHandler() }

    /// Seconds a connection may be silent, in a request or between two.
    private static let idleSeconds: Int64 = 60
    /// How long a connection is not read after a refusal, in milliseconds, and how often that doubles while one
    /// refusal follows another. To refuse takes nearly as much as to answer: who asks again at once would have the
    /// manager do nothing else.
    private static let pause = (shortest: 5, doublings: 4)
    /// The longest answer, in bytes, that a connection takes whole whether or not it is read. A longer one is sent
    /// when its turn is over, lest one who does not read holds up the others.
    private static let longestInTurn = 32 << 10

    /// A server of a manager.
    public init(_ core: ManagerCore) {
        self.core = core
    }

    /// Serves until the process ends.
    ///
    /// - Parameter listener: a listening socket, which belongs to the server from now on.
    public func run(on listener: Int32) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        while true {
            // The channel closes what it was given when accept(2) fails, as it does when descriptors run out.
            let copy = fcntl(listener, F_DUPFD_CLOEXEC, 0)
            if copy < 0, errno == EMFILE || errno == ENFILE {
                // Those that there are will end some day.
                core.remark("no descriptor is left for the API's socket: it is taken up again later")
                try await Task.sleep(for: .seconds(1))
                continue
            }
            guard copy >= 0 else { throw IOError(errnoCode: errno, reason: "duplicate the socket") }
            let server = try await ServerBootstrap(group: group)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(copy) { channel in
                    Self.channel { _, _, _ in }.setup(channel: channel, logger: logger)
                }
            do {
                try await serve(server)
            } catch {
                core.remark("the API's socket has failed and is taken up again: \(error)")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private typealias Connection = HTTP1Channel.Value

    private func serve(_ server: NIOAsyncChannel<Connection, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    tasks.addTask { await serve(connection) }
                }
            }
        }
    }

    private func serve(_ connection: Connection) async {
        let client = await Self.client(of: connection.channel)
        let isTaken = connections.enter(client)
        defer { if isTaken { connections.leave(client) } }
        guard isTaken else {
            // It has more than any client needs; an answer would take what there is too little of. A connection
            // that is dropped unused, though closed, is a broken promise to the library, which ends the process.
            do {
                try await connection.executeThenClose { _, _ in }
            } catch {
                core.remark("a connection too many could not be closed: \(error)")
            }
            return
        }
        let responder = APIResponder(core, client: client)
        // In a row, of this connection.
        let refusals = Guarded(0)
        await Self.channel { request, writer, channel in
            let answer = try await responder.respond(to: request)
            if answer.isRefusal {
                try await writer.write(response: answer.response.head, body: answer.response.body)
                let times = refusals.withLock { refusals in
                    defer { refusals = min(refusals + 1, Self.pause.doublings) }
                    return refusals
                }
                return try await Task.sleep(for: .milliseconds(Self.pause.shortest << times))
            }
            refusals.withLock { $0 = 0 }
            guard answer.size <= Self.longestInTurn, channel.isWritable else {
                answer.turn?.end()
                return try await writer.write(response: answer.response.head, body: answer.response.body)
            }
            try await writer.write(response: answer.response.head, body: answer.response.body)
            // Until the channel's thread has sent it, the turn lasts.
            try await channel.eventLoop.submit {}.get()
            answer.turn?.end()
        }.handle(value: connection, logger: logger)
    }

    private static func channel(_ respond: @escaping HTTP1Channel.Responder) -> HTTP1Channel {
        HTTP1Channel(responder: respond, configuration: .init(idleTimeout: .seconds(idleSeconds)))
    }

    /// The process at the other end, as the kernel knows it (unix(7), SO_PEERCRED: its number comes first).
    private static func client(of channel: any Channel) async -> APIClient {
        let option = ChannelOptions.Types.SocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        let process = try? await channel.getOption(option).get()
        guard let process, process > 0 else { return .connection(ObjectIdentifier(channel)) }
        return .process(Int32(process))
    }
}

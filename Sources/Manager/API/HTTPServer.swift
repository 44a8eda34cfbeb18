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
    private let journalReaders = JournalReaders()
    private let logger = Logger(label: "roostd") { _ in SwiftLogNoOpLogHandler() }

    /// Seconds a connection may be silent, in a request or between two.
    private static let idleSeconds: Int64 = 60
    /// Bytes that wait to be sent on a connection: with more than the greater number of them nothing is added until
    /// there are fewer than the lesser.
    private static let unsent = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
    /// Seconds in which a connection that has something to be sent must take some of it.
    private static let sendingSeconds: Int64 = 10
    /// How long a connection is not read after a refusal, in milliseconds, and how often that doubles while one
    /// refusal follows another. To refuse takes nearly as much as to answer: who asks again at once would have the
    /// manager do nothing else.
    private static let pause = (shortest: 5, doublings: 4)
    /// How long a turn lasts at most while its answer is sent, in milliseconds, lest one who does not read holds up the
    /// others. What is left is sent when the turn is over.
    private static let longestSending: Int64 = 20

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
                core.remarkOnSocket("no descriptor is left for the API's socket: it is taken up again later")
                try await Task.sleep(for: .seconds(1))
                continue
            }
            guard copy >= 0 else { throw IOError(errnoCode: errno, reason: "duplicate the socket") }
            let server = try await ServerBootstrap(group: group)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.writeBufferWaterMark, value: Self.unsent)
                .bind(copy) { channel in
                    Self.channel { _, _, _ in }.setup(channel: channel, logger: logger).flatMapThrowing {
                        value in
                        try channel.pipeline.syncOperations.addHandler(
                            SendingTimeout(.seconds(Self.sendingSeconds)), position: .first)
                        return value
                    }
                }
            do {
                try await serve(server)
            } catch {
                core.remarkOnSocket("the API's socket has failed and is taken up again: \(error)")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private typealias Connection = HTTP1Channel.Value

    private func serve(_ server: NIOAsyncChannel<Connection, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    core.endRemarkOnSocket()
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
                core.remarkOnSocket("a connection too many could not be closed: \(error)")
            }
            return
        }
        let responder = APIResponder(core, client: client, journalReaders: journalReaders)
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
            let turn = answer.turn
            if !channel.isWritable { turn?.end() }
            let end = channel.eventLoop.scheduleTask(in: .milliseconds(Self.longestSending)) { turn?.end() }
            defer { end.cancel() }
            // Each write may have to wait for who does not read.
            try await writer.write(response: answer.response.head, body: answer.response.body)
            // Until the channel's thread has sent it, the turn lasts.
            try await channel.eventLoop.submit {}.get()
            turn?.end()
        }.handle(value: connection, logger: logger)
    }

    private static func channel(_ respond: @escaping HTTP1Channel.Responder) -> HTTP1Channel {
        HTTP1Channel(responder: respond, configuration: .init(idleTimeout: .seconds(idleSeconds)))
    }

    /// The process at the other end, as the kernel knows it (unix(7), SO_PEERCRED: its number comes first).
    private static func client(of channel: any Channel) async -> APIClient {
        let option = ChannelOptions.Types.SocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        // As many bytes as an Int has: the process, and in the upper half its user, which is 0 for root alone.
        let credentials = try? await channel.getOption(option).get()
        guard let process = credentials.map({ Int32(truncatingIfNeeded: $0) }), process > 0 else {
            return .connection(ObjectIdentifier(channel))
        }
        return .process(process)
    }
}

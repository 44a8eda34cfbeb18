import Foundation
import HostSystem
import MachineTesting
import ManagerProtocol
import Testing

/// What `roost` says when the socket is not what it should be.
@Suite("A socket that is no manager's")
struct SocketTests {
    private let host: ManagerHost

    init() throws {
        host = try ManagerHost()
        try FileManager.default.createDirectory(
            atPath: host.runDirectory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    /// `roost pool ls`, which is to fail with one line.
    private func refusal(_ status: Int32) throws -> String {
        let list = try host.roost(["pool", "ls"])
        #expect(try list.finish() == .exited(status), "\(list.errors.text)")
        #expect(list.output.isEmpty)
        let lines = list.errors.text.split(separator: "\n")
        #expect(lines.count == 1 && lines.first?.hasPrefix("roost: error: ") == true, "\(list.errors.text)")
        #expect(list.errors.text.contains(host.socket))
        return list.errors.text
    }

    @Test("One that listens and never answers: it is given up after two seconds, with a line that says so")
    func silent() throws {
        let listener = try LocalSocket.listen(at: host.socket, backlog: 8)
        let start = HostClock.monotonicNanoseconds()
        #expect(try refusal(75).contains("has not answered for 2 seconds; is it stopped?"))
        // It was waited for.
        #expect(HostClock.monotonicNanoseconds() - start >= 2_000_000_000)
        _ = consume listener
    }

    @Test("One that ends with a question unread, as one that is being killed does: there is none")
    func endsUnread() throws {
        let listener = try LocalSocket.listen(at: host.socket, backlog: 8)
        let list = try host.roost(["pool", "ls"])
        var events = PollSet()
        events.watch(listener.number, for: .readable)
        #expect(try events.wait(timeoutMilliseconds: 10_000), "it is asked")
        _ = consume listener
        #expect(try list.finish() == .exited(69))
        #expect(list.errors.text.contains("no resource manager runs for "), "\(list.errors.text)")
    }

    @Test("A manager that is stopped: the same, and it answers again when it goes on")
    func stopped() throws {
        let manager = try host.start()
        manager.signal(SIGSTOP)
        #expect(try refusal(75).contains("has not answered for 2 seconds; is it stopped?"))
        manager.signal(SIGCONT)
        #expect(try host.roost(["pool", "ls"]).finish() == .exited(0))
    }

    @Test("A link is not followed, wherever it leads")
    func link() throws {
        let elsewhere = host.directory.path + "/elsewhere.sock"
        let listener = try LocalSocket.listen(at: elsewhere, backlog: 8)
        try FileManager.default.createSymbolicLink(atPath: host.socket, withDestinationPath: elsewhere)
        #expect(try refusal(77).contains("the socket is a link, or belongs to somebody else"))
        _ = consume listener
    }

    @Test("Somebody else's is not asked")
    func foreign() throws {
        let listener = try LocalSocket.listen(at: host.socket, backlog: 8)
        if HostProcess.user == 0 {
            try #require(unsafe chown(host.socket, 65534, 65534) == 0)
            #expect(try refusal(77).contains("belongs to somebody else"))
        } else {
            // Who may not give a file away cannot put one here either.
            #expect(unsafe chown(host.socket, 65534, 65534) == -1)
        }
        _ = consume listener
    }

    @Test("One that says what is no HTTP: a line that says so")
    func noHTTP() throws {
        let listener = try LocalSocket.listen(at: host.socket, backlog: 8)
        let list = try host.roost(["pool", "ls"])
        var connection: OwnedDescriptor?
        try host.until("it has connected") {
            connection = try LocalSocket.accept(listener)
            return connection != nil
        }
        if let connection { try DescriptorIO.writeAll(connection.number, Array("hello\r\n\r\n".utf8)) }
        #expect(try list.finish() == .exited(74))
        #expect(list.errors.text.contains("its answer is not HTTP"), "\(list.errors.text)")
    }

    @Test("A file in its place is no manager, and the next one takes the place")
    func file() throws {
        _ = try host.directory.write([], to: "run/" + ManagerFiles.socket)
        let list = try host.roost(["pool", "ls"])
        #expect(try list.finish() == .exited(69))
        #expect(list.errors.text.contains("no resource manager runs"), "\(list.errors.text)")
        _ = try host.start()
        #expect(try host.roost(["pool", "ls"]).finish() == .exited(0))
    }
}

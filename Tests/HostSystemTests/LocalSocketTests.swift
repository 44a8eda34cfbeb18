import Foundation
import HostSystem
import MachineTesting
import Testing

@Suite("Local sockets, locks and bounded logs")
struct LocalSocketTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("A socket is its owner's alone, carries bytes both ways and says who connected")
    func bothWays() throws {
        let path = directory.path + "/socket"
        let listener = try LocalSocket.listen(at: path, backlog: 4)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let none = try LocalSocket.accept(listener) == nil
        #expect(none)
        let client = try LocalSocket.connect(to: path)
        guard let server = try LocalSocket.accept(listener) else { throw TestFailure("nobody connected") }
        #expect(try LocalSocket.peerUser(server) == HostProcess.user)
        #expect(try LocalSocket.send(Array("ping".utf8)[...], to: client) == 4)
        #expect(try DescriptorIO.read(server.number, limit: 100) == Array("ping".utf8))
        LocalSocket.endSending(client)
        #expect(try DescriptorIO.read(server.number, limit: 100) == [])
        #expect(try LocalSocket.send([7], to: server) == 1)
        #expect(try DescriptorIO.read(client.number, limit: 100) == [7])
    }

    @Test("Sending to a closed connection is an error, not a signal")
    func closed() throws {
        let path = directory.path + "/socket"
        let listener = try LocalSocket.listen(at: path, backlog: 4)
        let client = try LocalSocket.connect(to: path)
        do {
            _ = try LocalSocket.accept(listener)
        }
        let error = #expect(throws: SystemError.self) {
            while true { _ = try LocalSocket.send([1], to: client) }
        }
        #expect(error?.number == EPIPE)
    }

    @Test("A path longer than a socket's address is reached all the same")
    func longPath() throws {
        let long = directory.path + "/" + String(repeating: "d", count: 200)
        try FileTree.makePrivateDirectory(long)
        let listener = try LocalSocket.listen(at: long + "/socket", backlog: 4)
        _ = try LocalSocket.connect(to: long + "/socket")
        let isThere = try LocalSocket.accept(listener) != nil
        #expect(isThere)
    }

    @Test("A path where something is, or nothing listens, is an error that names it")
    func errors() throws {
        let path = try directory.write([], to: "file")
        let error = #expect(throws: SystemError.self) { _ = try LocalSocket.listen(at: path, backlog: 1) }
        #expect(error?.number == EADDRINUSE && error?.description.contains(path) == true)
        #expect(throws: SystemError.self) { _ = try LocalSocket.connect(to: path) }
        #expect(throws: SystemError.self) { _ = try LocalSocket.connect(to: path + "x") }
    }

    @Test("Looking whether a lock is held tells the truth and disturbs nobody")
    func lock() throws {
        let path = directory.path + "/lock"
        try withNoProcessBeingStarted {
            #expect(try !FileLock.isHeld(path))
            do {
                guard let lock = try FileLock.acquire(path) else { throw TestFailure("no lock") }
                #expect(try FileLock.isHeld(path))
                let isTaken = try FileLock.acquire(path) == nil
                #expect(isTaken)
                _ = consume lock
            }
            #expect(try !FileLock.isHeld(path))
            let isFree = try FileLock.acquire(path) != nil
            #expect(isFree)
        }
    }

    @Test("A log begins anew at its size and keeps one of before")
    func boundedLog() throws {
        let path = directory.path + "/log"
        var log = try BoundedLog(path: path, oldPath: path + ".1", limit: 100)
        for number in 0..<100 {
            let line = Array("\(1000 + number)\n".utf8)
            #expect(try log.append(line[...]) == line.count)
        }
        #expect(try directory.read("log").count <= 104 && directory.read("log.1").count <= 104)
        #expect(log.tail(10) == Array("1098\n1099\n".utf8))
        let whole = try directory.read("log.1") + directory.read("log")
        #expect(log.tail(1000) == whole)
        #expect(log.tail(0) == [])
    }
}

import HostSystem
import MachineTesting
import Testing

/// Streams between this process and a guest on the real /dev/kvm.
@Suite("A socket device", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct VsockTests {
    let host: RoostHost
    private var path: String { host.directory.path + "/vsock" }

    init() throws {
        host = try RoostHost()
    }

    /// Reads and writes until the guest's program has ended the stream; answers all that came.
    private func exchange(_ socket: borrowing OwnedDescriptor, _ bytes: [UInt8]) throws -> [UInt8] {
        let polling = try EventLoop()
        var left = bytes[...]
        var received: [UInt8] = []
        var isOver = false
        let watch = try polling.watch(
            socket.number, for: [.readable, .writable, .edgeTriggered]
        ) { _ in polling.stop() }
        defer { polling.unwatch(watch) }
        while true {
            while !left.isEmpty {
                let count = try DescriptorIO.write(socket.number, left.prefix(65536))
                guard count > 0 else { break }
                left = left.dropFirst(count)
                if left.isEmpty { LocalSocket.endSending(socket) }
            }
            while let more = try DescriptorIO.read(socket.number, limit: 65536) {
                received += more
                isOver = more.isEmpty
                if isOver { return received }
            }
            polling.run()
        }
    }

    @Test("A guest echoes what programs of the host say, and the socket goes with the machine")
    func echo() throws {
        let machine = try host.boot("vsockecho", "connections=3", ["--vsock", "path=\(path),cid=7"])
        try machine.wait(forOutput: "vsock ready cid=7")
        for number in 0..<3 {
            let socket = try LocalSocket.connect(to: path)
            let bytes = (0..<500_000 * number + 1).map { UInt8(truncatingIfNeeded: $0 &* 7 + number) }
            let answer = try exchange(socket, Array("CONNECT 7000\n".utf8) + bytes)
            let line = answer.prefix { $0 != 10 }
            #expect(line.starts(with: "OK ".utf8))
            #expect(answer.dropFirst(line.count + 1).elementsEqual(bytes))
        }
        let run = try Finished(machine)
        #expect(run.status == .exited(0))
        #expect(run.errors == "")
        #expect(host.directory.contents() == ["run"] || host.directory.contents() == [])
        #expect(host.leftovers == [])
    }

    @Test("A path where somebody listens, or where a file is, is refused before the guest starts")
    func occupied() throws {
        let listener = try LocalListener(at: path)
        let used = try host.run("hello", "", ["--vsock", path])
        #expect(used.output == "" && used.status == .exited(73))
        #expect(used.errorLines.count == 1 && used.errors.contains("another process listens there"))
        #expect(used.errors.contains(path))
        listener.removeFile()
        let file = try host.directory.write([1, 2, 3], to: "vsock")
        let wrong = try host.run("hello", "", ["--vsock", file])
        #expect(wrong.output == "" && wrong.status == .exited(73))
        #expect(wrong.errorLines.count == 1 && wrong.errors.contains("no socket"))
        #expect(try host.directory.read("vsock") == [1, 2, 3])
    }

    @Test("A machine that cannot be made, for its kernel or another device, leaves no socket behind")
    func unmade() throws {
        let kernel = try host.directory.write([1, 2, 3], to: "kernel")
        let booted = try host.run(["run", kernel, "--name", "vm", "--vsock", path])
        #expect(booted.status == .exited(65) && booted.output == "")
        #expect(booted.errorLines.count == 1 && booted.errors.contains(kernel))
        #expect(!host.directory.contents().contains("vsock"))
        let source = host.directory.path + "/missing"
        let random = try host.run("hello", "", ["--vsock", path, "--rng", "source=\(source)"])
        #expect(random.status == .exited(66) && random.output == "")
        #expect(random.errorLines.count == 1 && random.errors.contains(source))
        #expect(!host.directory.contents().contains("vsock"))
    }

    @Test("A socket that a killed machine left behind is replaced")
    func stale() throws {
        do { _ = try LocalSocket.listen(at: path, backlog: 1) }
        #expect(host.directory.contents() == ["vsock"])
        let run = try host.run("hello", "code=4", ["--vsock", path])
        #expect(run.errors == "" && run.status == .exited(4))
        #expect(!host.directory.contents().contains("vsock"))
    }
}

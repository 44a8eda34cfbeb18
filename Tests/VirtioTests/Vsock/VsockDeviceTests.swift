import Devices
import Glibc
import HostSystem
import MachineTesting
import Testing
import Virtio

@Suite("The socket device")
struct VsockDeviceTests {
    @Test("a driver finds a socket device with its guest's context identifier")
    func identity() throws {
        let guest = try VsockGuest()
        #expect(guest.driver.register(0x008) == 19)
        #expect(guest.driver.transport.read(offset: 0x100, width: .doubleWord) == VsockGuest.cid)
        #expect(guest.driver.transport.read(offset: 0x104, width: .doubleWord) == 0)
        #expect(guest.driver.offeredFeatures().contains(FeatureSet(bit: 0)))
        #expect(!guest.driver.offeredFeatures().contains(FeatureSet(bit: 1)), "no SEQPACKET")
    }

    @Test("a program of the host reaches one of the guest, and both talk")
    func toGuest() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        program.toSend = Array("ping".utf8)[...]
        world.guest.streams[ports]?.toSend = Array("pong".utf8)[...]
        try world.run("both have heard") {
            world.guest.streams[ports]?.received == Array("ping".utf8)
                && program.afterGreeting?.elementsEqual("pong".utf8) == true
        }
        #expect(world.guest.device.counts.toGuest == 1)
        #expect(world.guest.device.counts.bytesFromGuest == 4)
        #expect(world.guest.device.counts.bytesToGuest == 4)
    }

    @Test("a program of the guest reaches one of the host, and both talk")
    func toHost() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToHost(1024, 7000)
        program.toSend = Array("ping".utf8)[...]
        world.guest.streams[ports]?.toSend = Array("pong".utf8)[...]
        try world.run("both have heard") {
            world.guest.streams[ports]?.received == Array("ping".utf8)
                && program.received == Array("pong".utf8)
        }
        #expect(world.guest.device.counts.toHost == 1)
    }

    @Test("what a program says together with its greeting comes to the guest, though it leaves at once")
    func hasty() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        world.guest.listening.insert(52)
        let program = try HostProgram(connectingTo: world.guest.path, saying: "connect 52\nhello")
        program.poll()
        program.close()
        try world.run("it has come, and the end after it") {
            world.guest.streams.values.contains {
                $0.received == Array("hello".utf8) && $0.hostShutdown == 3
            }
        }
    }

    @Test("nobody listens: the program is hung up on, the guest is reset")
    func refused() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let program = try world.connect(7999)
        try world.run("the program is hung up on") { program.isOver }
        #expect(program.received == [])
        let ports = world.guest.connect(1024, to: 7999)
        try world.run("the guest is reset") { world.guest.streams[ports]?.wasReset == true }
        #expect(world.guest.device.counts.refusals == 2)
        #expect(world.guest.device.counts.streams == 0)
        #expect(world.guest.driver.log == [])
    }

    @Test(
        "a greeting that is none is hung up on",
        arguments: [
            "CONNECT\n", "CONNECT x\n", "CONNECT 4294967296\n", "CONNECT -1\n", "GET / HTTP/1.1\r\n",
            "CONNECT 1 2\n", String(repeating: "x", count: 32), "\n",
        ])
    func wrongGreeting(greeting: String) throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let program = try HostProgram(connectingTo: world.guest.path, saying: greeting)
        world.programs.append(program)
        try world.run("it is hung up on") { program.isOver }
        #expect(program.received == [])
        #expect(world.guest.packets == [])
    }

    @Test("a greeting may come byte by byte, and no byte behind it is lost")
    func slowGreeting() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        world.guest.listening.insert(4_294_967_295)
        let program = try HostProgram(connectingTo: world.guest.path)
        world.programs.append(program)
        for byte in "CONNECT 4294967295\nx".utf8 {
            program.toSend = [byte]
            for _ in 0..<3 { try world.turn() }
        }
        try world.run("it has come") {
            world.guest.streams.values.first?.received == [UInt8(ascii: "x")]
        }
    }

    @Test("who does not say where to is hung up on, and keeps nobody out")
    func silentPrograms() throws {
        let world = VsockWorld(
            try VsockGuest {
                $0.greetings = 4
                $0.greetingTime = 50_000_000
            })
        try world.guest.start()
        let silent = try (0..<20).map { _ in try HostProgram(connectingTo: world.guest.path) }
        world.programs += silent
        let (_, ports) = try world.openToGuest(52)
        #expect(world.guest.streams[ports]?.isOpen == true)
        try world.run("all are hung up on") { silent.allSatisfy(\.isOver) }
    }

    @Test("a guest that does not answer is not waited for for ever")
    func noAnswer() throws {
        let world = VsockWorld(try VsockGuest { $0.requestTime = 50_000_000 })
        try world.guest.start()
        let program = try world.connect(52)
        try world.run("the program is hung up on", guestWorks: false) { program.isOver }
        try world.run("the guest hears of it") {
            world.guest.packets.contains { $0.operation == GuestPacket.reset }
        }
    }

    @Test("without a driver there is nobody to connect to")
    func noDriver() throws {
        let world = VsockWorld(try VsockGuest())
        let program = try world.connect(52)
        try world.run("the program is hung up on", guestWorks: false) { program.isOver }
    }

    @Test("a program of the host that has no room for connections is asked again")
    func fullBacklog() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        try world.listen(7000, backlog: 1)
        let all = (0..<20 as Range<UInt32>).map { world.guest.connect(1024 + $0, to: 7000) }
        for _ in 0..<20 { try world.turn(acceptsClients: false) }
        #expect(all.contains { world.guest.streams[$0]?.isOpen == false })
        try world.run("all are connected") {
            all.allSatisfy { world.guest.streams[$0]?.isOpen == true }
        }
        #expect(world.guest.device.counts.refusals == 0)
    }

    @Test("streams beyond the limit are refused, and the others live on")
    func tooMany() throws {
        let world = VsockWorld(try VsockGuest { $0.streams = 8 })
        try world.guest.start()
        try world.listen(7000)
        let all = (0..<12 as Range<UInt32>).map { world.guest.connect(1024 + $0, to: 7000) }
        try world.run("all have an answer") {
            all.allSatisfy {
                world.guest.streams[$0]?.isOpen == true || world.guest.streams[$0]?.wasReset == true
            }
        }
        #expect(all.filter { world.guest.streams[$0]?.isOpen == true }.count == 8)
        world.guest.shutdown(all[0], 3)
        try world.run("one is closed") { world.guest.device.counts.streams == 7 }
        let late = world.guest.connect(5000, to: 7000)
        try world.run("there is room again") { world.guest.streams[late]?.isOpen == true }
    }

    @Test("1,000 streams at once, opened by either side, carry their own bytes both ways")
    func thousand() throws {
        let world = VsockWorld(try VsockGuest(queueSize: 256))
        try world.guest.start()
        try world.listen(7000)
        world.guest.listening.insert(52)
        let half = 500
        let fromGuest = (0..<half).map { world.guest.connect(10_000 + UInt32($0), to: 7000) }
        let toGuest = try (0..<half).map { _ in try world.connect(52) }
        try world.run("all are open") {
            world.guest.device.counts.toHost == UInt64(half)
                && toGuest.allSatisfy { $0.hostPort != nil }
                && world.accepted[7000]?.count == half
                && fromGuest.allSatisfy { world.guest.streams[$0]?.isOpen == true }
        }
        #expect(world.guest.device.counts.streams == 1000)
        var pairs: [(HostProgram, VsockGuest.Ports)] = []
        for program in toGuest {
            pairs.append((program, .init(guest: 52, host: try #require(program.hostPort))))
        }
        // Who of the accepted is whose, the guest's first bytes tell.
        for ports in fromGuest { world.guest.streams[ports]?.toSend = Array("\(ports.guest)\n".utf8)[...] }
        let accepted = try #require(world.accepted[7000])
        try world.run("they have said who they are") { accepted.allSatisfy { $0.received.last == 10 } }
        for program in accepted {
            let port = try #require(UInt32(String(decoding: program.received.dropLast(), as: UTF8.self)))
            program.received = Array("OK 1\n".utf8)
            pairs.append((program, .init(guest: port, host: 7000)))
        }
        let size = 2000
        for (number, (program, ports)) in pairs.enumerated() {
            program.toSend = pattern(UInt64(number), count: size)[...]
            world.guest.streams[ports]?.toSend = pattern(~UInt64(number), count: size)[...]
            world.guest.streams[ports]?.shutdownAtEnd = 2
            program.endsAtEnd = true
        }
        try world.run("all have all") {
            pairs.allSatisfy { program, ports in
                program.sawEnd && world.guest.streams[ports]?.hostShutdown ?? 0 & 2 != 0
            }
        }
        for (number, (program, ports)) in pairs.enumerated() {
            let sent = pattern(~UInt64(number), count: size)
            guard world.guest.streams[ports]?.received == pattern(UInt64(number), count: size),
                program.afterGreeting?.elementsEqual(sent) == true
            else {
                Issue.record("stream \(number) carried other bytes")
                return
            }
        }
    }

    @Test("a socket's file is its owner's alone, and goes with the device")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let driver = try GuestDriver {
            try VsockDevice(VsockConfiguration(guestCID: 3, path: path), $0)
        }
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode == S_IFSOCK | 0o600)
        driver.device.close()
        #expect(directory.contents() == [])
        driver.device.close()
    }

    @Test("a dead socket is replaced; a living one and a file of another kind are not")
    func occupied() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        func make() throws -> GuestDriver {
            try GuestDriver { try VsockDevice(VsockConfiguration(guestCID: 3, path: path), $0) }
        }
        do { _ = try LocalSocket.listen(at: path, backlog: 1) }
        #expect(directory.contents() == ["socket"])
        let first = try make()
        let inUse = #expect(throws: SystemError.self) { try make() }
        #expect(inUse?.number == EADDRINUSE)
        #expect(inUse?.description.contains(path) == true)
        first.device.close()
        _ = try directory.write([1], to: "socket")
        let noSocket = #expect(throws: SystemError.self) { try make() }
        #expect(noSocket?.number == EEXIST)
        #expect(try directory.read("socket") == [1])
    }

    @Test("a device that ends leaves a file alone that took its own's place")
    func replaced() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let driver = try GuestDriver {
            try VsockDevice(VsockConfiguration(guestCID: 3, path: path), $0)
        }
        #expect(unsafe unlink(path) == 0)
        let other = try LocalSocket.listen(at: path, backlog: 1)
        driver.device.close()
        #expect(directory.contents() == ["socket"])
        _ = consume other
    }
}

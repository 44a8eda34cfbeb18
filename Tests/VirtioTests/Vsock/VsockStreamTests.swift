import Devices
import Glibc
import HostSystem
import MachineTesting
import Testing
import Virtio

@Suite("Streams of the socket device")
struct VsockStreamTests {
    @Test(
        "bulk goes both ways through buffers of every kind and any credit",
        arguments: [
            (4096, 0, 65536, 131_072), (45, 0, 65536, 131_072), (64, 20, 65536, 131_072),
            (4096, 7, 65536, 131_072),
            (4096, 0, 1, 100), (4096, 0, 7, 1), (8192, 4096, 100_000, 5000),
        ] as [(UInt32, UInt32, UInt32, UInt32)])
    func bulk(bufferSize: UInt32, headerSplit: UInt32, guestCredit: UInt32, hostCredit: UInt32) throws {
        let guest = try VsockGuest(bufferSize: bufferSize, headerSplit: headerSplit) {
            $0.streamBuffer = hostCredit
        }
        guest.allocation = guestCredit
        let world = VsockWorld(guest)
        try guest.start()
        let (program, ports) = try world.openToGuest(52)
        let count = min(guestCredit, hostCredit) < 1000 ? 500 : 100_000
        program.toSend = pattern(1, count: count)[...]
        guest.streams[ports]?.toSend = pattern(2, count: count)[...]
        try world.run("all has come") {
            guest.streams[ports]?.received.count == count && program.afterGreeting?.count == count
        }
        #expect(guest.streams[ports]?.received == pattern(1, count: count))
        #expect(program.afterGreeting?.elementsEqual(pattern(2, count: count)) == true)
        #expect(guest.device.counts.faults == 0)
    }

    @Test("who has said all goes on listening, on the host")
    func hostHalfClose() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        program.toSend = pattern(1, count: 10_000)[...]
        program.endsAtEnd = true
        try world.run("the guest hears all, and the end") {
            world.guest.streams[ports]?.hostShutdown == 2
        }
        #expect(world.guest.streams[ports]?.received == pattern(1, count: 10_000))
        world.guest.streams[ports]?.toSend = pattern(2, count: 10_000)[...]
        world.guest.streams[ports]?.shutdownAtEnd = 3
        try world.run("the program hears all, and the end") { program.sawEnd }
        #expect(program.afterGreeting?.elementsEqual(pattern(2, count: 10_000)) == true)
        // Who has closed waits for a reset.
        try world.run("the guest is done") { world.guest.streams[ports]?.wasReset == true }
        #expect(world.guest.device.counts.streams == 0)
    }

    @Test("who has said all goes on listening, in the guest")
    func guestHalfClose() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToHost(1024, 7000)
        world.guest.streams[ports]?.toSend = pattern(1, count: 10_000)[...]
        world.guest.streams[ports]?.shutdownAtEnd = 2
        try world.run("the program hears all, and the end") { program.sawEnd }
        #expect(program.received == pattern(1, count: 10_000))
        program.toSend = pattern(2, count: 10_000)[...]
        try world.run("the guest hears all") { world.guest.streams[ports]?.received.count == 10_000 }
        program.close()
        try world.run("and the end") { world.guest.streams[ports]?.hostShutdown == 3 }
        try world.run("the stream is gone") { world.guest.device.counts.streams == 0 }
    }

    @Test("a guest that takes no more ends the program's writing")
    func guestReceivesNoMore() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        world.guest.shutdown(ports, 1)
        for _ in 0..<10 { try world.turn() }
        program.toSend = [1, 2, 3]
        try world.run("writing fails") { program.sawError == EPIPE }
        program.close()
        try world.run("the stream is gone") { world.guest.device.counts.streams == 0 }
    }

    @Test("a program that leaves ends the guest's writing, and what was under way is thrown away")
    func programLeaves() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        program.appetite = 0
        world.guest.streams[ports]?.toSend = pattern(1, count: 1_000_000)[...]
        for _ in 0..<50 { try world.turn() }
        program.close()
        try world.run("the guest hears of it") { world.guest.streams[ports]?.hostShutdown == 3 }
        try world.run("the stream is gone") { world.guest.device.counts.streams == 0 }
    }

    @Test("a slow reader holds up its own stream alone, and gets everything, also after the guest has left")
    func slowReader() throws {
        let world = VsockWorld(try VsockGuest { $0.lingerTime = 60_000_000_000 })
        try world.guest.start()
        let (slow, slowPorts) = try world.openToGuest(52)
        slow.appetite = 0
        world.guest.streams[slowPorts]?.toSend = pattern(1, count: 700_000)[...]
        for _ in 0..<100 { try world.turn() }
        let stuck = try #require(world.guest.streams[slowPorts]?.toSend.count)
        #expect(stuck > 0, "credit has run out")
        let (quick, quickPorts) = try world.openToGuest(53)
        world.guest.streams[quickPorts]?.toSend = pattern(2, count: 200_000)[...]
        try world.run("the other has all") { quick.afterGreeting?.count == 200_000 }
        #expect(world.guest.streams[slowPorts]?.toSend.count == stuck)
        // The guest closes and forgets, with the device still holding data.
        let sent = 700_000 - stuck
        world.guest.streams[slowPorts]?.toSend = []
        world.guest.shutdown(slowPorts, 3)
        try world.run("the guest is done with it") { world.guest.streams[slowPorts]?.wasReset == true }
        slow.appetite = 10_000
        try world.run("the program reads to the end") { slow.sawEnd }
        #expect(slow.afterGreeting?.elementsEqual(pattern(1, count: 700_000).prefix(sent)) == true)
        try world.run("the stream is gone") { world.guest.device.counts.streams == 1 }
    }

    @Test("a reader that never reads does not keep a closed stream for ever")
    func linger() throws {
        let world = VsockWorld(try VsockGuest { $0.lingerTime = 50_000_000 })
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        program.appetite = 0
        world.guest.streams[ports]?.toSend = pattern(1, count: 700_000)[...]
        for _ in 0..<100 { try world.turn() }
        world.guest.streams[ports]?.toSend = []
        world.guest.shutdown(ports, 3)
        try world.run("the stream is gone") { world.guest.device.counts.streams == 0 }
    }

    @Test("a guest that never answers the end of a stream is reset")
    func guestNeverAnswers() throws {
        let world = VsockWorld(try VsockGuest { $0.lingerTime = 50_000_000 })
        try world.guest.start()
        let (program, _) = try world.openToGuest(52)
        program.close()
        try world.run("the stream is gone", guestWorks: false) {
            world.guest.device.counts.packetsToGuest >= 3
        }
        try world.run("the guest sees both") { world.guest.packets.last?.operation == GuestPacket.reset }
        #expect(world.guest.packets.suffix(2).map(\.operation) == [GuestPacket.shutdown, GuestPacket.reset])
    }

    @Test("a guest without buffers makes the device read no socket, and not spin")
    func noBuffers() throws {
        let world = VsockWorld(try VsockGuest(queueSize: 16))
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        world.guest.givesBuffers = false
        program.toSend = pattern(1, count: 200_000)[...]
        try world.run("buffers are used up") {
            world.guest.streams[ports]?.received.count ?? 0 >= 15 * (4096 - 44)
        }
        for _ in 0..<10 { try world.turn() }
        let read = world.guest.device.counts.bytesToGuest
        let calls = world.guest.driver.loop.calls
        for _ in 0..<50 { try world.turn() }
        #expect(world.guest.device.counts.bytesToGuest == read)
        #expect(world.guest.driver.loop.calls == calls, "nothing to do, and nothing done")
        world.guest.givesBuffers = true
        try world.run("all has come") { world.guest.streams[ports]?.received.count == 200_000 }
        #expect(world.guest.streams[ports]?.received == pattern(1, count: 200_000))
    }

    @Test("a guest whose program does not read is given no more than it allows")
    func guestCredit() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        world.guest.reads = false
        program.toSend = pattern(1, count: 200_000)[...]
        try world.run("it is full") { world.guest.streams[ports]?.received.count == 64 << 10 }
        for _ in 0..<50 { try world.turn() }
        #expect(world.guest.streams[ports]?.received.count == 64 << 10)
        world.guest.reads = true
        try world.run("all has come") { world.guest.streams[ports]?.received.count == 200_000 }
        #expect(world.guest.streams[ports]?.received == pattern(1, count: 200_000))
    }

    @Test("streams take turns: one that never ends holds up no other")
    func fairness() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (greedy, greedyPorts) = try world.openToGuest(52)
        let others = try (0..<10 as Range<UInt32>).map { try world.openToGuest(60 + $0) }
        greedy.toSend = pattern(1, count: 1_000_000)[...]
        for (program, _) in others { program.toSend = pattern(2, count: 20_000)[...] }
        try world.run("the others have theirs") {
            others.allSatisfy { world.guest.streams[$0.1]?.received.count == 20_000 }
        }
        let greedyCount = try #require(world.guest.streams[greedyPorts]?.received.count)
        #expect(greedyCount < 300_000)
    }

    @Test("a pause in the middle of everything loses nothing")
    func pause() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (first, firstPorts) = try world.openToGuest(52)
        let (second, secondPorts) = try world.openToHost(1024, 7000)
        let size = 150_000
        for (number, (program, ports)) in [(first, firstPorts), (second, secondPorts)].enumerated() {
            program.toSend = pattern(UInt64(number), count: size)[...]
            world.guest.streams[ports]?.toSend = pattern(UInt64(number + 10), count: size)[...]
        }
        second.appetite = 5000
        var late: [HostProgram] = []
        for round in 0..<20 {
            for _ in 0..<3 { try world.turn() }
            world.guest.device.pause()
            let counts = world.guest.device.counts
            // Outside the world goes on: edges come that nobody may act upon.
            if round % 5 == 0 { late.append(try world.connect(52)) }
            for _ in 0..<5 { try world.turn(guestWorks: false) }
            #expect(world.guest.device.counts == counts, "it was quiet")
            world.guest.device.resume()
        }
        second.appetite = .max
        try world.run("all has come") {
            first.afterGreeting?.count == size && second.received.count == size
                && world.guest.streams[firstPorts]?.received.count == size
                && world.guest.streams[secondPorts]?.received.count == size
                && late.allSatisfy { $0.hostPort != nil }
        }
        #expect(world.guest.streams[firstPorts]?.received == pattern(0, count: size))
        #expect(world.guest.streams[secondPorts]?.received == pattern(1, count: size))
        #expect(first.afterGreeting?.elementsEqual(pattern(10, count: size)) == true)
        #expect(second.received == pattern(11, count: size))
    }

    @Test("after a pause with nothing under way, what comes from the host comes to the guest")
    func barePause() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        for _ in 0..<10 { try world.turn() }
        world.guest.device.pause()
        for _ in 0..<3 { try world.turn(guestWorks: false) }
        world.guest.device.resume()
        program.toSend = [1]
        try world.run("it comes") { world.guest.streams[ports]?.received == [1] }
        world.guest.device.pause()
        program.toSend = [2]
        for _ in 0..<3 { try world.turn(guestWorks: false) }
        world.guest.device.resume()
        try world.run("it comes") { world.guest.streams[ports]?.received == [1, 2] }
    }

    @Test("a reset in the middle ends every stream, and the device works again after it")
    func reset() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (first, firstPorts) = try world.openToGuest(52)
        let (second, _) = try world.openToHost(1024, 7000)
        let silent = try HostProgram(connectingTo: world.guest.path)
        world.programs.append(silent)
        first.toSend = pattern(1, count: 150_000)[...]
        world.guest.streams[firstPorts]?.toSend = pattern(2, count: 150_000)[...]
        for _ in 0..<5 { try world.turn() }
        world.guest.driver.setRegister(0x70, 0)
        #expect(world.guest.device.counts.streams == 0)
        try world.run("all are hung up on", guestWorks: false) {
            first.isOver && second.isOver && silent.isOver
        }
        try world.guest.start()
        world.guest.packets = []
        let (program, ports) = try world.openToGuest(52)
        program.toSend = [1, 2, 3]
        try world.run("it works again") { world.guest.streams[ports]?.received == [1, 2, 3] }
        #expect(!world.guest.packets.contains { $0.operation == GuestPacket.reset })
    }

    @Test("a guest whose streams are gone is told by an event")
    func transportReset() throws {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, _) = try world.openToGuest(52)
        world.guest.device.resetTransport()
        try world.run("both sides know") { program.isOver && world.guest.events == [0] }
        #expect(world.guest.device.counts.streams == 0)
    }
}

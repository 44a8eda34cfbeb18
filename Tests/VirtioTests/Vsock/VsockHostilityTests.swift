import Foundation
import GuestMemory
import HostSystem
import MachineTesting
import Testing
import Virtio

/// How many cases; `ROOST_HOSTILE_CASES` makes it millions.
private let cases = ProcessInfo.processInfo.environment["ROOST_HOSTILE_CASES"].flatMap { Int($0) } ?? 10_000

@Suite("The socket device and a hostile guest")
struct VsockHostilityTests {
    /// A guest that has one good stream, on which a wicked packet is tried.
    private func world() throws -> (VsockWorld, HostProgram, VsockGuest.Ports) {
        let world = VsockWorld(try VsockGuest())
        try world.guest.start()
        let (program, ports) = try world.openToGuest(52)
        world.guest.packets = []
        return (world, program, ports)
    }

    /// Whether the device serves a new stream, and nothing is left of older ones but `streams`.
    private func works(_ world: VsockWorld, streams: UInt64 = 0) throws {
        let (program, ports) = try world.openToGuest(77)
        program.toSend = [1, 2, 3]
        world.guest.streams[ports]?.toSend = [4, 5, 6]
        try world.run("it works") {
            world.guest.streams[ports]?.received == [1, 2, 3]
                && program.afterGreeting?.elementsEqual([4, 5, 6]) == true
        }
        #expect(world.guest.device.counts.streams == streams + 1)
        #expect(world.guest.driver.signals.failures == 0)
    }

    @Test("more than the credit is a reset")
    func creditLie() throws {
        let (world, program, ports) = try world()
        program.appetite = 0
        var sent = 0
        try world.run("it is found out") {
            // As fast as it goes, whatever the device allows.
            if sent < 2_000_000 {
                sent += 4096
                world.guest.send(
                    world.guest.packet(ports, GuestPacket.data, length: 4096),
                    [UInt8](repeating: 1, count: 4096))
            }
            return world.guest.streams[ports]?.wasReset == true
        }
        #expect(world.guest.device.counts.faults == 1)
        try works(world)
    }

    @Test(
        "credit that cannot be is no credit",
        arguments: [(0, 1), (0, .max), (100, 0x8000_0000)] as [(UInt32, UInt32)])
    func strangeCredit(allocation: UInt32, forwarded: UInt32) throws {
        let (world, program, ports) = try world()
        var packet = world.guest.packet(ports, GuestPacket.creditUpdate)
        packet.allocation = allocation
        packet.forwarded = forwarded
        world.guest.send(packet)
        for _ in 0..<5 { try world.turn() }
        // Requests for credit are answered as wickedly.
        world.guest.reads = false
        world.guest.allocation = 0
        program.toSend = [1, 2, 3]
        for _ in 0..<20 { try world.turn() }
        #expect(world.guest.streams[ports]?.received == [])
        #expect(world.guest.packets.filter { $0.operation == GuestPacket.creditRequest }.count <= 1)
        world.guest.allocation = 65536
        world.guest.send(world.guest.packet(ports, GuestPacket.creditUpdate))
        try world.run("it comes") { world.guest.streams[ports]?.received == [1, 2, 3] }
    }

    @Test("a packet that says it is longer than it is ends its stream")
    func length() throws {
        let (world, _, ports) = try world()
        world.guest.send(world.guest.packet(ports, GuestPacket.data, length: 100), [1, 2, 3])
        try world.run("it is reset") { world.guest.streams[ports]?.wasReset == true }
        try works(world)
    }

    @Test("bytes behind a packet's length are not the stream's")
    func surplus() throws {
        let (world, program, ports) = try world()
        world.guest.send(world.guest.packet(ports, GuestPacket.data, length: 2), [1, 2, 3, 4, 5, 6, 7])
        world.guest.send(world.guest.packet(ports, GuestPacket.data, length: 1), [8])
        try world.run("it comes") { program.afterGreeting?.elementsEqual([1, 2, 8]) == true }
    }

    @Test(
        "what is out of place ends its stream",
        arguments: [GuestPacket.request, GuestPacket.response, 0, 8, 0xFFFF] as [UInt16])
    func outOfPlace(operation: UInt16) throws {
        let (world, program, ports) = try world()
        world.guest.send(world.guest.packet(ports, operation))
        try world.run("it is reset") { world.guest.streams[ports]?.wasReset == true && program.isOver }
        try works(world)
    }

    @Test("data behind the end of data ends the stream")
    func dataAfterShutdown() throws {
        let (world, _, ports) = try world()
        world.guest.shutdown(ports, 2)
        world.guest.send(world.guest.packet(ports, GuestPacket.data, length: 1), [1])
        try world.run("it is reset") { world.guest.streams[ports]?.wasReset == true }
        try works(world)
    }

    @Test("packets of no stream are answered by resets, resets by nothing, false senders not at all")
    func strangers() throws {
        let (world, _, _) = try world()
        for operation in 0...9 as ClosedRange<UInt16> {
            world.guest.send(GuestPacket(guestPort: 1, hostPort: UInt32(operation), operation: operation))
        }
        var seqpacket = GuestPacket(guestPort: 2, hostPort: 3, operation: GuestPacket.request)
        seqpacket.kind = 2
        world.guest.send(seqpacket)
        var sibling = GuestPacket(guestPort: 2, hostPort: 4, operation: GuestPacket.request)
        sibling.destinationCID = 43
        world.guest.send(sibling)
        var liar = GuestPacket(guestPort: 2, hostPort: 5, operation: GuestPacket.request)
        liar.sourceCID = 41
        world.guest.send(liar)
        try world.run("all are answered") { world.guest.packets.count >= 11 }
        for _ in 0..<5 { try world.turn() }
        #expect(world.guest.packets.allSatisfy { $0.operation == GuestPacket.reset })
        #expect(world.guest.packets.map(\.hostPort).sorted() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9])
        try works(world, streams: 1)
    }

    @Test("floods of packets that want answers wait for buffers, in bounded memory")
    func flood() throws {
        let (world, _, _) = try world()
        world.guest.givesBuffers = false
        for number in 0..<5000 as Range<UInt32> {
            world.guest.send(
                GuestPacket(guestPort: number, hostPort: 9, operation: GuestPacket.creditRequest))
        }
        for _ in 0..<500 { try world.turn() }
        #expect(world.guest.device.counts.packetsFromGuest < 700, "the rest waits in the guest")
        world.guest.givesBuffers = true
        try world.run("all are answered") { world.guest.packets.count == 5000 }
        try works(world, streams: 1)
    }

    @Test("a header that is cut off, and a buffer too small for one, break the device until its reset")
    func broken() throws {
        let (first, program, _) = try world()
        try first.guest.transmit([UInt8](repeating: 0, count: 43), [])
        first.guest.driver.notify(1)
        #expect(first.guest.driver.status.contains(.needsReset))
        for _ in 0..<5 { try first.turn(guestWorks: false) }
        #expect(!program.isOver, "its end comes with the reset")
        first.guest.driver.setRegister(0x70, 0)
        try first.run("the program is hung up on", guestWorks: false) { program.isOver }
        try first.guest.start()
        _ = try first.openToGuest(52)

        let small = VsockWorld(try VsockGuest(bufferSize: 43))
        try small.guest.start()
        small.guest.listening.insert(52)
        _ = try small.connect(52)
        try small.run("it needs a reset", guestWorks: false) {
            small.guest.driver.status.contains(.needsReset)
        }
    }

    @Test("a driver that does its worst to the queues is survived", arguments: 0..<10 as Range<UInt64>)
    func queues(seed: UInt64) throws {
        let guest = try VsockGuest()
        var hostile = HostileDriver(guest.driver, seed: seed) { random in
            GuestPacket(
                guestPort: UInt32(random.next(upperBound: UInt64(4))), hostPort: 9,
                operation: UInt16(random.next(upperBound: UInt64(9)))
            ).bytes
        }
        for _ in 0..<max(1, cases / 10) { try hostile.step() }
        try hostile.recover()
        guest.driver.setRegister(0x70, 0)
        #expect(guest.device.counts.streams == 0)
        #expect(guest.driver.log.count <= DeviceLog.burst + 60)
    }

    @Test("packets by chance, in every state of streams, are survived", arguments: 0..<5 as Range<UInt64>)
    func packets(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let limits: (inout VsockLimits) -> Void = {
            $0.streams = 16
            $0.streamBuffer = 8192
            $0.lingerTime = 1_000_000
            $0.requestTime = 1_000_000
            $0.connectTime = 1_000_000
            $0.greetingTime = 1_000_000
        }
        let world = VsockWorld(try VsockGuest(limits))
        world.guest.isHonest = false
        try world.guest.start()
        try world.listen(7, backlog: 2)
        world.guest.listening = [1, 2]
        func chance(_ bound: Int) -> Int { Int(random.next(upperBound: UInt64(bound))) }
        for _ in 0..<max(1, cases / 10) {
            let known = Array(world.guest.streams.keys.sorted { ($0.guest, $0.host) < ($1.guest, $1.host) })
            let ports =
                chance(4) == 0 || known.isEmpty
                ? VsockGuest.Ports(guest: UInt32(chance(4)), host: UInt32(5 + chance(4)))
                : known[chance(known.count)]
            switch chance(12) {
            case 0: _ = try world.connect(UInt32(chance(4)))
            case 1:
                let program = try HostProgram(connectingTo: world.guest.path)
                program.toSend = pattern(random.next(), count: chance(40))[...]
                world.programs.append(program)
            case 2:
                if let program = world.programs.randomElement(using: &random) { program.close() }
            case 3:
                if let program = world.programs.randomElement(using: &random) {
                    program.toSend = pattern(random.next(), count: chance(20_000))[...]
                    program.endsAtEnd = chance(3) == 0
                    program.appetite = chance(2) * chance(5000)
                }
            case 4: world.guest.givesBuffers.toggle()
            case 5: world.guest.device.pause()
            case 6: world.guest.device.resume()
            case 7 where chance(20) == 0:
                world.guest.driver.setRegister(0x70, 0)
                world.guest.device.resume()
                world.programs = []
                world.guest.driver.setFree(0x1000)
                try world.guest.start()
            default:
                let length = chance(3) == 0 ? chance(5000) : 0
                var packet = world.guest.packet(
                    ports, UInt16(chance(9)), flags: UInt32(chance(5)),
                    length: UInt32(chance(10) == 0 ? chance(1 << 30) : length))
                if chance(10) == 0 { packet.forwarded = UInt32(truncatingIfNeeded: random.next()) }
                if chance(10) == 0 { packet.allocation = UInt32(truncatingIfNeeded: random.next()) }
                if chance(20) == 0 { packet.kind = UInt16(chance(4)) }
                if chance(20) == 0 { packet.sourceCID = UInt64(chance(50)) }
                world.guest.send(packet, [UInt8](repeating: 7, count: length))
                world.guest.forgetIfRequest(packet)
            }
            try world.turn(acceptsClients: chance(4) == 0)
            #expect(world.guest.device.counts.streams <= 16)
        }
        #expect(world.guest.driver.signals.failures == 0, "nothing of this breaks a queue")
        world.guest.device.resume()
        world.guest.givesBuffers = true
        world.guest.driver.setRegister(0x70, 0)
        #expect(world.guest.device.counts.streams == 0)
        world.programs = []
        world.guest.allocation = 65536
        world.guest.driver.setFree(0x1000)
        try world.guest.start()
        try works(world)
    }
}

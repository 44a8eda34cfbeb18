import Devices
import GuestMemory
import HostSystem
import MachineTesting
import Stats
import Testing

@testable import Virtio

/// Real taps in network namespaces of the tests' own.
@Suite(
    "The network device", .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
struct NetworkDeviceTests {
    @Test(
        "a frame of the guest's leaves the tap byte for byte, however it is cut",
        arguments: [[], [12], [1, 10, 5, 20]])
    func send(pieces: [Int]) throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            let frame = Frame.plain(200)
            try guest.offerFrame(Frame.plainHeader + frame, pieces: pieces)
            guest.driver.notify(1)
            #expect(try guest.socket.receive() == frame)
            #expect(try guest.sendQueue.takeUsed()?.written == 0)
            #expect(guest.driver.line.edges == 1)
            #expect(guest.device.counters.sentFrames.value == 1)
            #expect(guest.device.counters.sentBytes.value == 200)
        }
    }

    @Test("a frame for the guest arrives byte for byte, and the guest is told once")
    func receive() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(40, of: 2048)
            try guest.socket.send(Frame.plain(300))
            try guest.socket.send(Frame.plain(60, seed: 2))
            try guest.driver.run { guest.device.counters.receivedFrames.value == 2 }
            #expect(try guest.takeFrame() == Frame.plainHeader.dropLast(2) + [1, 0] + Frame.plain(300))
            #expect(
                try guest.takeFrame() == Frame.plainHeader.dropLast(2) + [1, 0] + Frame.plain(60, seed: 2))
            #expect(try guest.takeFrame() == nil)
            #expect(guest.device.counters.receivedBytes.value == 360)
            #expect(guest.driver.line.edges <= 2)
        }
    }

    @Test("the configuration has address, link and MTU; what is offered follows the configuration")
    func configuration() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            #expect(guest.driver.register(0x8) == 1)
            #expect((0..<6).map { guest.field($0, .byte) } == [0x02, 0, 0x5E, 0x10, 0, 1])
            #expect(guest.field(6, .word) == 1)
            #expect(guest.field(10, .word) == 1500)
            #expect(guest.device.features.isSuperset(of: [.checksum, .hostTCP4, .hostTCP6, .guestTCP4]))

            var plain = NetworkConfiguration(address: 1)
            plain.hasOffloads = false
            plain.mtu = 1400
            let other = try NetworkGuest(plain, tap: "tap8")
            #expect(other.field(10, .word) == 1400)
            #expect(
                other.device.features == [
                    .address, .mtu, .linkStatus, .mergeableBuffers, .controlQueue, .controlAddress,
                ])
        }
    }

    @Test("frames wait for buffers, in order, and waiting does not keep the thread busy")
    func starved() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            for seed in 1...3 { try guest.socket.send(Frame.plain(100, seed: seed)) }
            guest.driver.goRound()
            guest.driver.goRound()
            let calls = guest.driver.loop.calls
            for _ in 0..<100 { guest.driver.goRound() }
            #expect(guest.driver.loop.calls == calls)
            #expect(guest.device.counters.receivedFrames.value == 0)
            #expect(guest.device.counters.receiveStarved.value > 0)
            for seed in 1...3 {
                // The device has asked to be told of the next buffer.
                #expect(try guest.receiveQueue.availableEvent() == UInt16(seed - 1))
                try guest.offerBuffers(1, of: 2048)
                guest.driver.notify(0)
                #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(100, seed: seed)[...])
            }
        }
    }

    @Test("a pause loses nothing, and touches no memory")
    func pause() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(40, of: 2048)
            guest.driver.notify(0)
            guest.device.pause()
            try guest.socket.send(Frame.plain(100))
            try guest.offerFrame(Frame.plainHeader + Frame.plain(90))
            for queue in 0..<3 { guest.driver.notify(queue) }
            guest.driver.goRound()
            #expect(try guest.takeFrame() == nil)
            #expect(try guest.sendQueue.takeUsed() == nil)
            guest.device.resume()
            guest.driver.goRound()
            #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(100)[...])
            #expect(try guest.sendQueue.takeUsed() != nil)
            #expect(try guest.socket.receive() == Frame.plain(90))
        }
    }

    @Test("after a reset nothing of the old driver's is touched, and the new one gets what is new")
    func reset() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(40, of: 2048)
            try guest.socket.send(Frame.plain(100))
            try guest.driver.run { guest.device.counters.receivedFrames.value == 1 }
            let before = try guest.driver.memory.bytes(at: GuestAddress(0), count: 1 << 20)
            guest.driver.setRegister(0x70, 0)
            for seed in 2...50 { try guest.socket.send(Frame.plain(100, seed: seed)) }
            guest.driver.goRound()
            #expect(try guest.driver.memory.bytes(at: GuestAddress(0), count: 1 << 20) == before)

            try guest.driver.start()
            try guest.offerBuffers(40, of: 2048)
            try guest.socket.send(Frame.plain(100, seed: 99))
            guest.driver.notify(0)
            guest.driver.goRound()
            #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(100, seed: 99)[...])
            #expect(try guest.takeFrame() == nil)
        }
    }

    @Test("many frames go in turns, so that others of the thread get theirs")
    func turns() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(queueSize: 256)
            for seed in 0..<200 { try guest.offerFrame(Frame.plainHeader + Frame.plain(100, seed: seed)) }
            guest.driver.notify(1)
            #expect(guest.device.counters.sentFrames.value == 64)
            #expect(guest.driver.line.edges == 1)
            try guest.driver.run { guest.device.counters.sentFrames.value == 200 }
            for seed in 0..<200 { #expect(try guest.socket.receive() == Frame.plain(100, seed: seed)) }
        }
    }

    @Test("a tap that is removed takes the link down, and what the guest sends is dropped")
    func lost() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(40, of: 2048)
            guest.driver.notify(0)
            let edges = guest.driver.line.edges
            try NetworkNamespace.remove("tap7")
            try guest.driver.run { !guest.device.isLinkUp }
            #expect(guest.field(6, .word) == 0)
            #expect(guest.driver.line.edges == edges + 1)
            #expect(guest.driver.register(0x60) & 2 == 2)
            for _ in 0..<3 {
                try guest.send(Frame.plain(100))
                #expect(try guest.sendQueue.takeUsed() != nil)
            }
            #expect(guest.device.counters.sendDropped.value == 3)
            #expect(guest.driver.status.contains(.driverOK) && !guest.driver.status.contains(.needsReset))
            #expect(guest.driver.log == ["net0: the tap tap7 is gone: the guest's link is down"])
            // A driver that comes later finds it so too.
            guest.driver.setRegister(0x70, 0)
            try guest.driver.start()
            try guest.send(Frame.plain(100))
            #expect(try guest.sendQueue.takeUsed() != nil)
            #expect(guest.field(6, .word) == 0)
        }
    }

    @Test("while the tap is down, what the guest sends is dropped and counted")
    func down() throws {
        try NetworkNamespace.run {
            try NetworkNamespace.makeTap("tap7")
            let guest = try NetworkGuest()
            try guest.send(Frame.plain(100))
            #expect(try guest.sendQueue.takeUsed() != nil)
            #expect(guest.device.counters.sendDropped.value == 1)
            try NetworkNamespace.bringUp("tap7")
            try guest.send(Frame.plain(101))
            #expect(guest.device.counters.sentFrames.value == 1)
        }
    }

    @Test("the driver may change the address and what it takes; anything else is refused")
    func control() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            #expect(try guest.ask([1, 1, 2, 3, 4, 5, 6, 7]) == 0)
            #expect((0..<6).map { guest.field($0, .byte) } == [2, 3, 4, 5, 6, 7])
            #expect(try guest.ask([5, 0, 0x83, 0, 0, 0, 0, 0, 0, 0]) == 1, "bit 0 is none of the guest's")
            #expect(try guest.ask([5, 0, 0x82, 0, 0, 0, 0, 0, 0, 0]) == 0)
            for request in [[0, 0, 1], [1, 1, 2, 3], [5, 0, 2], [9, 9], [1]] as [[UInt8]] {
                #expect(try guest.ask(request) == 1)
            }
            guest.driver.setRegister(0x70, 0)
            #expect(guest.field(5, .byte) == 1, "a reset brings the address back")
        }
    }
}

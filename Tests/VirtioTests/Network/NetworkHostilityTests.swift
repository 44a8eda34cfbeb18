import GuestMemory
import HostSystem
import MachineTesting
import Stats
import Testing

@testable import Virtio

/// Drivers that do what they should not, limits, and taps that cannot be had.
@Suite(
    "Network device, held to its bounds",
    .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
struct NetworkHostilityTests {
    @Test("frames that are none are counted and given back, and the next one goes out")
    func malformed() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            let frame = Frame.plain(100)
            let bad: [[UInt8]] = [
                [0], [UInt8](repeating: 0, count: 11), Frame.plainHeader, Frame.plainHeader + frame[0..<13],
                // A kind of large packet that is none; a checksum behind the frame's end; nothing to cut.
                [0, 0x7F, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + frame,
                [1, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0] + frame,
                [1, 1, 54, 0, 0, 0, 34, 0, 16, 0, 0, 0] + Frame.tcp(payload: 100),
                Frame.plainHeader + Frame.plain(100_000),
            ]
            for bytes in bad {
                try guest.offerFrame(bytes)
                guest.driver.notify(1)
                #expect(try guest.sendQueue.takeUsed() != nil)
            }
            #expect(guest.device.counters.sendRefused.value == UInt64(bad.count))
            #expect(guest.device.counters.sentFrames.value == 0)
            try guest.send(frame)
            #expect(try guest.socket.receive() == frame)
            #expect(!guest.driver.status.contains(.needsReset))
        }
    }

    @Test(
        "a receive buffer without room for the header breaks the device until its reset",
        arguments: [0, 11] as [UInt32])
    func noHeader(size: UInt32) throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(1, of: size)
            guest.driver.notify(0)
            #expect(guest.driver.status.contains(.needsReset))
            #expect(guest.driver.log.first?.contains("receive buffer of \(size) bytes") == true)
            try guest.send(Frame.plain(100))
            #expect(try guest.sendQueue.takeUsed() == nil)
            try guest.driver.start()
            try guest.send(Frame.plain(100))
            #expect(try guest.sendQueue.takeUsed() != nil)
        }
    }

    @Test("a request without room for its answer breaks the device")
    func noAnswer() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.driver.queues[2].offer([GuestDescriptor(address: 0x8000, length: 2)])
            guest.driver.notify(2)
            #expect(guest.driver.status.contains(.needsReset))
        }
    }

    @Test("queues full of nonsense never do harm", arguments: 0..<6 as Range<UInt64>)
    func nonsense(seed: UInt64) throws {
        try NetworkNamespace.run {
            var random = SeededGenerator(seed: seed)
            let guest = try NetworkGuest()
            for _ in 0..<200 {
                let queue = guest.driver.queues[Int.random(in: 0..<3, using: &random)]
                let count = Int.random(in: 1...6, using: &random)
                let wild = Int.random(in: 0..<20, using: &random) == 0
                try queue.offer(
                    (0..<count).map { _ in
                        GuestDescriptor(
                            address: wild ? random.next() : UInt64.random(in: 0..<(15 << 20), using: &random),
                            length: UInt32.random(in: 0...70_000, using: &random),
                            flags: queue === guest.receiveQueue ? GuestDescriptor.write : 0)
                    })
                if Bool.random(using: &random) {
                    try guest.socket.send(Frame.plain(Int.random(in: 14...1500, using: &random)))
                }
                for index in 0..<3 { guest.driver.notify(index) }
                guest.driver.goRound()
                if guest.driver.status.contains(.needsReset) { try guest.driver.start() }
            }
            try guest.driver.start()
            try guest.send(Frame.plain(77))
            #expect(try guest.sendQueue.takeUsed() != nil)
        }
    }

    @Test("a limit of packets lets the burst through, and the others as time goes")
    func sendLimit() throws {
        try NetworkNamespace.run {
            var configuration = NetworkConfiguration(address: NetworkGuest.address)
            configuration.limits.sendPackets = .init(perSecond: 1000, burst: 2)
            let guest = try NetworkGuest(configuration)
            for seed in 0..<5 { try guest.offerFrame(Frame.plainHeader + Frame.plain(100, seed: seed)) }
            guest.driver.notify(1)
            try guest.driver.run { guest.device.counters.sentFrames.value == 5 }
            for seed in 0..<5 { #expect(try guest.socket.receive() == Frame.plain(100, seed: seed)) }
            #expect(guest.device.counters.sendThrottled.value > 0)
        }
    }

    @Test("a limit of bytes holds frames back in the tap until it is taken away")
    func receiveLimit() throws {
        try NetworkNamespace.run {
            var configuration = NetworkConfiguration(address: NetworkGuest.address)
            // The first frame is a debt of hours.
            configuration.limits.receiveBytes = .init(perSecond: 1, burst: 1)
            let guest = try NetworkGuest(configuration)
            try guest.offerBuffers(40, of: 2048)
            for seed in 0..<3 { try guest.socket.send(Frame.plain(1400, seed: seed)) }
            guest.driver.notify(0)
            #expect(guest.device.counters.receivedFrames.value == 1)
            guest.driver.goRound()
            #expect(guest.device.counters.receivedFrames.value == 1)
            #expect(guest.device.counters.receiveThrottled.value > 0)
            guest.device.setLimits(NetworkLimits())
            try guest.driver.run { guest.device.counters.receivedFrames.value == 3 }
            for seed in 0..<3 {
                #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(1400, seed: seed)[...])
            }
        }
    }

    @Test("a limit that stays as it is keeps its debt when another is changed")
    func limitKept() throws {
        try NetworkNamespace.run {
            var configuration = NetworkConfiguration(address: NetworkGuest.address)
            configuration.limits.sendPackets = .init(perSecond: 1, burst: 1)
            let guest = try NetworkGuest(configuration)
            try guest.send(Frame.plain(100))
            #expect(guest.device.counters.sentFrames.value == 1)
            var limits = guest.device.limits
            limits.receiveBytes = .init(perSecond: 1000)
            guest.device.setLimits(limits)
            // What has come in since lets one through at most, however little it is.
            for _ in 0..<2 { try guest.send(Frame.plain(100)) }
            guest.driver.goRound()
            #expect(guest.device.counters.sendThrottled.value > 0)
        }
    }
}

/// What `TapInterface.open` makes of the host.
@Suite("Taps", .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
struct TapTests {
    @Test("a tap that is not there is made, up, with its MTU, and goes with its owner")
    func made() throws {
        try NetworkNamespace.run {
            do {
                let tap = try TapInterface.open("tap9", mtu: 9000)
                let (isOwn, mtu, isGone) = (tap.isOwn, tap.mtu, tap.isGone)
                #expect(isOwn && mtu == 9000 && !isGone)
                #expect(NetworkNamespace.hasInterface("tap9"))
            }
            #expect(!NetworkNamespace.hasInterface("tap9"))
        }
    }

    @Test("a tap that is there is used as it is, and stays")
    func existing() throws {
        try NetworkNamespace.run {
            try NetworkNamespace.makeTap("tap9")
            try NetworkNamespace.setMTU(1280, of: "tap9")
            do {
                let tap = try TapInterface.open("tap9", mtu: 9000)
                let (isOwn, mtu) = (tap.isOwn, tap.mtu)
                #expect(!isOwn && mtu == 1280)
                try NetworkNamespace.remove("tap9")
                let isGone = tap.isGone
                #expect(isGone)
            }
            try NetworkNamespace.makeTap("tap9")
            _ = try TapInterface.open("tap9")
            #expect(NetworkNamespace.hasInterface("tap9"))
        }
    }

    @Test("a tap in use, and an interface that is none, are named")
    func refused() throws {
        try NetworkNamespace.run {
            let tap = try TapInterface.open("tap9")
            #expect(throws: TapError.busy("tap9")) { _ = try TapInterface.open("tap9") }
            #expect(throws: TapError.notTap("lo")) { _ = try TapInterface.open("lo") }
            let isGone = tap.isGone
            #expect(!isGone)
        }
    }
}

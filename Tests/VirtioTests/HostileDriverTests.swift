import Foundation
import GuestMemory
import MachineTesting
import Testing
import Virtio

/// How many cases each device gets; `ROOST_HOSTILE_CASES` makes it millions.
private let cases = ProcessInfo.processInfo.environment["ROOST_HOSTILE_CASES"].flatMap { Int($0) } ?? 10_000

/// A device to torment, and how one sees that it works.
private struct Victim: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (DeviceEnvironment) throws -> any VirtioDevice
    /// The beginning of a request that the device may understand.
    var request: @Sendable (inout SeededGenerator) -> [UInt8] = { _ in [] }
    /// Whether a well-behaved driver is served; the device has just been started anew.
    let works: @Sendable (GuestDriver) throws -> Bool
}

private let victims = [
    Victim(testDescription: "entropy", make: { try EntropyDevice($0) }) { driver in
        let buffer = driver.allocate(4096)
        try driver.queues[0].offer([
            GuestDescriptor(address: buffer, length: 64, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
        return try driver.queues[0].takeUsed()?.written == 64
    },
    Victim(
        testDescription: "balloon",
        make: {
            var wished = BalloonConfiguration()
            wished.hintsFreePages = true
            return try BalloonDevice($0, wished)
        },
        request: { generator in (0..<32).map { _ in .random(in: 0...255, using: &generator) } }
    ) { driver in
        let list = driver.allocate(4096)
        try driver.memory.store(UInt32(0xFFF), at: GuestAddress(list))
        try driver.queues[0].offer([GuestDescriptor(address: list, length: 4)])
        driver.notify(0)
        return try driver.queues[0].takeUsed()?.written == 0
    },
    Victim(testDescription: "console", make: { try ConsoleDevice($0) }) { driver in
        let place = driver.allocate(4096)
        try driver.queues[1].offer([GuestDescriptor(address: place, length: 7)])
        driver.notify(1)
        var bytes = [UInt8](repeating: 0, count: 64)
        guard let console = driver.device as? ConsoleDevice else { return false }
        // What was written in need comes first, by itself.
        while console.drain(into: &bytes) > 0 {}
        return try driver.queues[1].takeUsed() != nil
    },
]

@Suite("Hostile drivers")
struct HostileDriverTests {
    @Test("a device survives whatever a driver does, and serves the next one", arguments: victims)
    private func survives(victim: Victim) throws {
        for seed in 0..<UInt64(10) {
            let driver = try GuestDriver(victim.make)
            var hostile = HostileDriver(driver, seed: seed, request: victim.request)
            for _ in 0..<max(1, cases / 10) { try hostile.step() }
            #expect(driver.signals.failures > UInt64(cases / 1000), "it was not tormented enough")
            try hostile.recover()
            #expect(driver.status == [.acknowledge, .driver, .featuresOK, .driverOK])
            #expect(try victim.works(driver), "seed \(seed)")
            // A few lines at once and then one in ten seconds, however often it was broken.
            #expect(driver.log.count <= DeviceLog.burst + 60)
        }
    }

    @Test(
        "a disk survives it with either engine, and the next driver reads it", arguments: BlockWay.available)
    func disk(way: BlockWay) throws {
        for seed in 0..<UInt64(10) {
            let disk = try TestDisk(way, size: 4 << 20, start: false)
            var hostile = HostileDriver(disk.driver, seed: seed) { random in
                // A request's header (virtio 1.2, 5.2.6): mostly a kind there is, mostly on the disk.
                let kinds: [UInt32] = [0, 1, 4, 8, 11, 13, 0, 1, UInt32(truncatingIfNeeded: random.next())]
                let kind = kinds[Int(random.next(upperBound: UInt64(kinds.count)))]
                let sector =
                    random.next(upperBound: UInt64(6)) == 0
                    ? random.next() : random.next(upperBound: UInt64(9000))
                let words = [UInt32(kind), 0, UInt32(truncatingIfNeeded: sector), UInt32(sector >> 32)]
                return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
            }
            for _ in 0..<max(1, cases / 10) { try hostile.step() }
            #expect(disk.driver.signals.failures > UInt64(cases / 1000), "it was not tormented enough")
            try hostile.recover()
            let place = disk.driver.allocate(4096)
            try disk.driver.memory.copyIn([UInt8](repeating: 0, count: 16), to: GuestAddress(place))
            try disk.driver.queues[0].offer([
                GuestDescriptor(address: place, length: 16),
                GuestDescriptor(address: place + 512, length: 512, flags: GuestDescriptor.write),
                GuestDescriptor(address: place + 16, length: 1, flags: GuestDescriptor.write),
            ])
            disk.driver.notify(0)
            try disk.driver.run { disk.driver.register(0x60) & 1 == 1 }
            let used = try #require(try disk.driver.queues[0].takeUsed())
            #expect(used.written == 513, "seed \(seed)")
        }
    }

    @Test(
        "a network card survives it, and the next driver sends",
        .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
    func network() throws {
        try NetworkNamespace.run {
            for seed in 0..<UInt64(10) {
                let guest = try NetworkGuest(start: nil)
                var hostile = HostileDriver(guest.driver, seed: seed) { random in
                    let header = (0..<12).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                    return random.next(upperBound: UInt64(2)) == 0 ? header : [UInt8](repeating: 0, count: 12)
                }
                for _ in 0..<max(1, cases / 10) { try hostile.step() }
                #expect(guest.driver.signals.failures > UInt64(cases / 1000), "it was not tormented enough")
                try hostile.recover()
                try guest.send(Frame.plain(77))
                #expect(try guest.sendQueue.takeUsed() != nil, "seed \(seed)")
            }
        }
    }

    @Test("what is broken says so until it is reset")
    func needsReset() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        try driver.start()
        try driver.queues[0].setAvailableIndex(1000)
        driver.notify(0)
        #expect(driver.status.contains(.needsReset))
        driver.setRegister(0x70, 15)
        #expect(driver.status.contains(.needsReset), "only a reset helps")
        driver.setRegister(0x70, 0)
        #expect(!driver.status.contains(.needsReset))
    }
}

import GuestMemory
import HostSystem
import MachineTesting
import Stats
import Testing

@testable import Virtio

/// Large packets, checksums and buffers of all sizes.
@Suite(
    "Network offloads", .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
struct NetworkOffloadTests {
    /// The largest TCP payload of a packet that the kernel gives to a tap: below 64 KiB with its headers.
    static let largest = 65_535 - 54

    @Test("a packet of 64 KiB leaves whole, to be cut by whoever is last")
    func sendLarge() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(hasHeaders: true)
            let frame = Frame.tcp(payload: Self.largest)
            let header = Frame.header(segment: 1448)
            try guest.offerFrame(
                header + [0, 0] + frame, pieces: [12, 54] + [Int](repeating: 4096, count: 16))
            guest.driver.notify(1)
            #expect(try guest.sendQueue.takeUsed() != nil)
            let isWhole = try guest.socket.receive() == header + frame
            #expect(isWhole)
        }
    }

    @Test(
        "a packet of 64 KiB arrives whole in as many buffers as it needs",
        arguments: [(2048, 60), (65_600, 3), (1526, 64)] as [(UInt32, Int)])
    func receiveLarge(size: UInt32, count: Int) throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(hasHeaders: true)
            try guest.offerBuffers(count, of: size)
            let frame = Frame.tcp(payload: Self.largest)
            let header = Frame.header(segment: 1448)
            for _ in 0..<2 where guest.device.counters.receivedFrames.value == 0 || size > 60_000 {
                try guest.socket.send(header + frame)
                let before = guest.device.counters.receivedFrames.value
                try guest.driver.run { guest.device.counters.receivedFrames.value > before }
                let arrived = try #require(try guest.takeFrame())
                #expect(Array(arrived[0..<10]) == header)
                #expect(Int(arrived[10]) == (12 + frame.count + Int(size) - 1) / Int(size))
                let isWhole = arrived[12...] == frame[...]
                #expect(isWhole)
            }
        }
    }

    @Test("a driver that takes no offloads gets cut packets with their checksums", arguments: [true, false])
    func cut(isMergeable: Bool) throws {
        try NetworkNamespace.run {
            let features: FeatureSet = isMergeable ? [.version1, .mergeableBuffers] : [.version1]
            let guest = try NetworkGuest(hasHeaders: true, start: features)
            try guest.offerBuffers(20, of: 2048)
            let payload = 1448 * 10
            try guest.socket.send(Frame.header(segment: 1448) + Frame.tcp(payload: payload))
            try guest.driver.run { guest.device.counters.receivedFrames.value == 10 }
            for _ in 0..<10 {
                let frame = try #require(try guest.takeFrame())
                #expect(Array(frame[0..<12]) == Frame.plainHeader.dropLast(2) + [1, 0])
                #expect(frame.count == 12 + 54 + 1448)
                #expect(Frame.hasGoodChecksum(Array(frame[12...])))
            }
        }
    }

    @Test("a checksum is left to the guest if it can make it")
    func checksum() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(
                hasHeaders: true, start: [.version1, .mergeableBuffers, .guestChecksum])
            try guest.offerBuffers(40, of: 2048)
            let frame = Frame.tcp(payload: 100)
            try guest.socket.send(Frame.header(segment: nil) + frame)
            try guest.driver.run { guest.device.counters.receivedFrames.value == 1 }
            let arrived = try #require(try guest.takeFrame())
            #expect(arrived[0] == 1 && arrived[6] == 34 && arrived[8] == 16)
            let isWhole = arrived[12...] == frame[...]
            #expect(isWhole)
            // The other way: the header goes with the frame.
            try guest.offerFrame(Frame.header(segment: nil) + [0, 0] + frame)
            guest.driver.notify(1)
            let left = try #require(try guest.socket.receive())
            #expect(left[0] == 1 && left[6] == 34 && left[8] == 16)
            #expect(left[10...] == frame[...])
        }
    }

    @Test("offloads that the driver gives up by the control queue end, and a reset ends all")
    func giveUp() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(hasHeaders: true)
            #expect(try guest.ask([5, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == 0)
            try guest.offerBuffers(40, of: 2048)
            let packet = Frame.header(segment: 1448) + Frame.tcp(payload: 2896)
            try guest.socket.send(packet)
            try guest.driver.run { guest.device.counters.receivedFrames.value == 2 }
            #expect(Frame.hasGoodChecksum(Array(try #require(try guest.takeFrame())[12...])))

            // What waits for one that takes packets whole is not given to one that does not.
            try guest.driver.start()
            try guest.socket.send(packet)
            guest.driver.setRegister(0x70, 0)
            try guest.driver.start([.version1])
            try guest.offerBuffers(2, of: 2048)
            try guest.socket.send(packet)
            guest.driver.notify(0)
            #expect(try guest.takeFrame()?.count == 12 + 54 + 1448)
            #expect(try guest.takeFrame()?.count == 12 + 54 + 1448)
        }
    }

    @Test("a packet longer than all buffers there are waits for more")
    func waits() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(hasHeaders: true)
            try guest.offerBuffers(8, of: 2048)
            let header = Frame.header(segment: 1448)
            let frame = Frame.tcp(payload: Self.largest)
            try guest.socket.send(header + frame)
            try guest.socket.send([UInt8](repeating: 0, count: 10) + Frame.plain(99))
            guest.driver.notify(0)
            #expect(try guest.takeFrame() == nil)
            guest.device.pause()
            guest.device.resume()
            guest.driver.goRound()
            #expect(try guest.takeFrame() == nil)
            try guest.offerBuffers(26, of: 2048)
            guest.driver.notify(0)
            let arrived = try #require(try guest.takeFrame())
            #expect(Array(arrived[0..<12]) == header + [33, 0])
            let isWhole = arrived[12...] == frame[...]
            #expect(isWhole)
            #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(99)[...])
        }
    }

    @Test("a short packet does not wait although a long one would have to")
    func fewBuffers() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest()
            try guest.offerBuffers(1, of: 128)
            try guest.socket.send(Frame.plain(100))
            guest.driver.notify(0)
            #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(100)[...])
        }
    }

    @Test("buffers of a few bytes are as good as others", arguments: [12, 13, 64] as [UInt32])
    func tiny(size: UInt32) throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(queueSize: 256)
            try guest.offerBuffers(200, of: size)
            try guest.socket.send(Frame.plain(1000))
            guest.driver.notify(0)
            let arrived = try #require(try guest.takeFrame())
            #expect(Int(arrived[10]) == (1012 + Int(size) - 1) / Int(size))
            #expect(arrived[12...] == Frame.plain(1000)[...])
        }
    }

    @Test("without mergeable buffers a frame that is longer than its buffer is dropped, and the buffer stays")
    func tooLong() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(start: [.version1])
            try guest.offerBuffers(1, of: 256)
            try guest.socket.send(Frame.plain(400))
            try guest.socket.send(Frame.plain(244, seed: 2))
            guest.driver.notify(0)
            #expect(
                try guest.takeFrame() == Frame.plainHeader.dropLast(2) + [1, 0] + Frame.plain(244, seed: 2))
            #expect(guest.device.counters.receiveTooLong.value == 1)
        }
    }

    @Test("a frame that no buffer of the whole queue can take is dropped")
    func hopeless() throws {
        try NetworkNamespace.run {
            let guest = try NetworkGuest(queueSize: 4)
            try guest.offerBuffers(4, of: 64)
            try guest.socket.send(Frame.plain(400))
            try guest.socket.send(Frame.plain(200, seed: 2))
            guest.driver.notify(0)
            #expect(try guest.takeFrame()?.dropFirst(12) == Frame.plain(200, seed: 2)[...])
            #expect(guest.device.counters.receiveTooLong.value == 1)
        }
    }
}

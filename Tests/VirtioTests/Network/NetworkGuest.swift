import Devices
import GuestMemory
import HostSystem
import MachineTesting
import Testing

@testable import Virtio

/// A network device on a tap of this thread's namespace, the guest's driver on one side and a packet
/// socket on the other.
final class NetworkGuest {
    static let address: UInt64 = 0x02_00_5E_10_00_01
    let driver: GuestDriver
    let device: NetworkDevice
    let socket: PacketSocket
    /// Where the buffers of received frames are, by their chains' heads.
    private var offered: [UInt32: (address: UInt64, size: UInt32)] = [:]

    /// - Parameters:
    ///   - start: the features to negotiate of those offered; nil leaves the device without a driver.
    ///   - hasHeaders: whether the socket's frames have headers.
    init(
        _ configuration: NetworkConfiguration = NetworkConfiguration(address: NetworkGuest.address),
        tap: String = "tap7", hasHeaders: Bool = false, queueSize: UInt16 = 64,
        start: FeatureSet? = FeatureSet(rawValue: .max)
    ) throws {
        var made: NetworkDevice?
        driver = try GuestDriver(name: "net0") { environment in
            let device = try NetworkDevice(environment, tap: try TapInterface.open(tap), configuration)
            made = device
            return device
        }
        device = try #require(made)
        socket = try PacketSocket(tap, hasHeaders: hasHeaders)
        if let start {
            try driver.start(driver.offeredFeatures().intersection(start), queueSize: queueSize)
        }
    }

    var receiveQueue: GuestQueue { driver.queues[0] }
    var sendQueue: GuestQueue { driver.queues[1] }

    /// Offers buffers to receive into, one a chain.
    func offerBuffers(_ count: Int, of size: UInt32) throws {
        for _ in 0..<count {
            let address = driver.allocate(UInt64(size))
            let head = try receiveQueue.offer([
                GuestDescriptor(address: address, length: size, flags: GuestDescriptor.write)
            ])
            offered[UInt32(head)] = (address, size)
        }
    }

    /// The next frame that was received, put together, header included.
    func takeFrame(sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8]? {
        guard let first = try takeChain() else { return nil }
        var frame = first
        let count = Int(first[10]) | Int(first[11]) << 8
        for _ in 1..<max(count, 1) {
            // The driver sees all chains of a frame at once, or none.
            frame += try #require(try takeChain(), sourceLocation: sourceLocation)
        }
        return frame
    }

    private func takeChain() throws -> [UInt8]? {
        guard let used = try receiveQueue.takeUsed() else { return nil }
        let known = offered.removeValue(forKey: used.head)
        let buffer = try #require(known)
        #expect(used.written <= buffer.size)
        return try driver.memory.bytes(at: GuestAddress(buffer.address), count: Int(used.written))
    }

    /// Makes a frame available for sending, cut into pieces.
    func offerFrame(_ frame: [UInt8], pieces: [Int] = []) throws {
        let address = driver.allocate(UInt64(max(frame.count, 1)))
        try driver.memory.copyIn(frame, to: GuestAddress(address))
        var descriptors: [GuestDescriptor] = []
        var start = 0
        for piece in pieces + [.max] where start < frame.count {
            let length = min(piece, frame.count - start)
            descriptors.append(GuestDescriptor(address: address + UInt64(start), length: UInt32(length)))
            start += length
        }
        try sendQueue.offer(descriptors)
    }

    /// Sends a frame whole, without offloads.
    func send(_ frame: [UInt8]) throws {
        try offerFrame(Frame.plainHeader + frame)
        driver.notify(1)
    }

    /// Asks something by the control queue; the answer's byte.
    func ask(_ request: [UInt8]) throws -> UInt8 {
        let address = driver.allocate(64)
        try driver.memory.copyIn(request + [0xAA], to: GuestAddress(address))
        let answer = address + UInt64(request.count)
        try driver.queues[2].offer([
            GuestDescriptor(address: address, length: UInt32(request.count)),
            GuestDescriptor(address: answer, length: 1, flags: GuestDescriptor.write),
        ])
        driver.notify(2)
        _ = try #require(try driver.queues[2].takeUsed())
        return try driver.memory.load(at: GuestAddress(answer))
    }

    /// A field of the configuration.
    func field(_ offset: UInt64, _ width: AccessWidth) -> UInt64 {
        driver.transport.read(offset: 0x100 + offset, width: width)
    }
}

/// Frames to send.
enum Frame {
    /// No offload.
    static let plainHeader = [UInt8](repeating: 0, count: 12)

    /// A frame of a type nobody knows, which nobody answers, with bytes that differ by `seed`.
    static func plain(_ size: Int, seed: Int = 1) -> [UInt8] {
        var frame: [UInt8] = [0x02, 0, 0, 0, 0, 9, 0x02, 0, 0, 0, 0, 8, 0x88, 0xB5]
        for index in frame.count..<max(size, frame.count) {
            frame.append(UInt8(truncatingIfNeeded: index &* 7 &+ seed &* 13))
        }
        return frame
    }

    /// A TCP segment over IPv4 whose checksum is left to be made.
    static func tcp(payload: Int) -> [UInt8] {
        let total = 40 + payload
        var ip: [UInt8] = [
            0x45, 0, UInt8(total >> 8), UInt8(total & 255), 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0,
            2,
        ]
        let sum = fold(ip)
        ip[10] = ~UInt8(sum >> 8)
        ip[11] = ~UInt8(sum & 255)
        var tcp: [UInt8] = [0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xFF, 0xFF, 0, 0, 0, 0]
        // The sum of what is in front, which whoever makes the checksum goes on from.
        let front = fold(ip[12...] + [0, 6, UInt8((total - 20) >> 8), UInt8((total - 20) & 255)])
        tcp[16] = UInt8(front >> 8)
        tcp[17] = UInt8(front & 255)
        let data = (0..<payload).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        return [0x02, 0, 0, 0, 0, 9, 0x02, 0, 0, 0, 0, 8, 0x08, 0x00] + ip + tcp + data
    }

    /// The header in front of `tcp`, of 10 bytes, and what follows it in one of 12.
    static func header(segment: Int?) -> [UInt8] {
        let size = segment ?? 0
        return [
            1, segment == nil ? 0 : 1, segment == nil ? 0 : 54, 0, UInt8(size & 255), UInt8(size >> 8), 34, 0,
            16, 0,
        ]
    }

    /// Whether the checksum of a TCP segment over IPv4 is right.
    static func hasGoodChecksum(_ frame: [UInt8]) -> Bool {
        let segment = frame[34...]
        let front = Array(frame[26..<34]) + [0, 6, UInt8(segment.count >> 8), UInt8(segment.count & 255)]
        return fold(front + segment) == 0xFFFF
    }

    /// The ones' complement sum of 16-bit words.
    private static func fold(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() { sum += UInt32(byte) << (index.isMultiple(of: 2) ? 8 : 0) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return UInt16(sum)
    }
}

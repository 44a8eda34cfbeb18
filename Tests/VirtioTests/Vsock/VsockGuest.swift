import Devices
import GuestMemory
import Glibc
import HostSystem
import MachineTesting
import Testing
import Virtio

/// The 44 bytes before a packet, as the specification lays them out.
struct GuestPacket: Equatable {
    var sourceCID: UInt64 = VsockGuest.cid
    var destinationCID: UInt64 = 2
    var guestPort: UInt32
    var hostPort: UInt32
    var length: UInt32 = 0
    var kind: UInt16 = 1
    var operation: UInt16
    var flags: UInt32 = 0
    var allocation: UInt32 = 0
    var forwarded: UInt32 = 0

    static let request: UInt16 = 1
    static let response: UInt16 = 2
    static let reset: UInt16 = 3
    static let shutdown: UInt16 = 4
    static let data: UInt16 = 5
    static let creditUpdate: UInt16 = 6
    static let creditRequest: UInt16 = 7

    /// As the guest sends it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        func add<Field: FixedWidthInteger>(_ field: Field) {
            for lane in 0..<Field.bitWidth / 8 {
                bytes.append(UInt8(truncatingIfNeeded: field >> (8 * lane)))
            }
        }
        add(sourceCID)
        add(destinationCID)
        add(guestPort)
        add(hostPort)
        add(length)
        add(kind)
        add(operation)
        add(flags)
        add(allocation)
        add(forwarded)
        return bytes
    }
}

/// A guest with a small driver and a socket layer that keeps the rules, unless a test breaks them.
final class VsockGuest {
    static let cid: UInt64 = 42

    struct Ports: Hashable {
        let guest: UInt32
        let host: UInt32
    }

    /// A stream as the guest has it.
    struct Stream {
        var isOpen = false
        var wasReset = false
        var received: [UInt8] = []
        /// Bytes the guest's program has taken, of `received`.
        var taken: UInt32 = 0
        var told: UInt32 = 0
        var toSend: ArraySlice<UInt8> = []
        var sent: UInt32 = 0
        var peerAllocation: UInt32 = 0
        var peerForwarded: UInt32 = 0
        /// Flags of the host's SHUTDOWN packets.
        var hostShutdown: UInt32 = 0
        /// Sends SHUTDOWN with these flags once all is sent.
        var shutdownAtEnd: UInt32 = 0
    }

    let driver: GuestDriver
    let device: VsockDevice
    let directory: TemporaryDirectory
    var streams: [Ports: Stream] = [:]
    /// Ports where somebody accepts.
    var listening: Set<UInt32> = []
    /// What the guest can hold of a stream.
    var allocation: UInt32 = 64 << 10
    /// Whether the guest's programs read.
    var reads = true
    /// Whether its packets' credit is true.
    var isHonest = true
    /// Whether buffers that came back are given to the device again.
    var givesBuffers = true
    /// Every packet that came, without data.
    var packets: [GuestPacket] = []
    private(set) var creditUpdates = 0
    var events: [UInt32] = []
    private let bufferSize: UInt32
    private let headerSplit: UInt32
    private let queueSize: UInt16
    private var receiving: [UInt64] = []
    private var places: UInt64 = 0
    private var sending: UInt64 = 0
    private var eventBuffer: UInt64 = 0
    private var receiveBuffersHeld: [UInt64] = []
    private var transmitsUnderWay = 0
    private var transmitSlot = 0
    private var outgoing: [(GuestPacket, [UInt8])] = []

    static let transmitRoom = 8192

    var path: String { directory.path + "/vsock" }

    /// - Parameter headerSplit: if not 0, buffers for receiving begin with a piece so long.
    init(
        bufferSize: UInt32 = 4096, queueSize: UInt16 = 64, headerSplit: UInt32 = 0,
        _ change: (inout VsockLimits) -> Void = { _ in }
    ) throws {
        try DescriptorLimit.raise()
        let directory = try TemporaryDirectory()
        self.directory = directory
        self.bufferSize = bufferSize
        self.queueSize = queueSize
        self.headerSplit = headerSplit
        var configuration = VsockConfiguration(guestCID: UInt32(Self.cid), path: directory.path + "/vsock")
        change(&configuration.limits)
        driver = try GuestDriver(name: "vsock") { try VsockDevice(configuration, $0) }
        device = try #require(driver.device as? VsockDevice)
    }

    deinit { device.close() }

    /// The driver starts, or starts again.
    func start() throws {
        try driver.start(queueSize: queueSize)
        places = driver.allocate(UInt64(bufferSize) * UInt64(queueSize))
        sending = driver.allocate(UInt64(Self.transmitRoom) * UInt64(queueSize / 2))
        eventBuffer = driver.allocate(4096)
        receiving = []
        receiveBuffersHeld = []
        transmitsUnderWay = 0
        transmitSlot = 0
        outgoing = []
        streams = [:]
        let step: UInt16 = headerSplit == 0 ? 1 : 2
        for number in 0..<queueSize / step { try giveBuffer(places + UInt64(number) * UInt64(bufferSize)) }
        try driver.queues[2].offer([
            GuestDescriptor(address: eventBuffer, length: 4, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
    }

    private func giveBuffer(_ address: UInt64) throws {
        receiving.append(address)
        let write = GuestDescriptor.write
        if headerSplit == 0 {
            try driver.queues[0].offer([GuestDescriptor(address: address, length: bufferSize, flags: write)])
        } else {
            try driver.queues[0].offer([
                GuestDescriptor(address: address, length: headerSplit, flags: write),
                GuestDescriptor(
                    address: address + UInt64(headerSplit), length: bufferSize - headerSplit, flags: write),
            ])
        }
    }

    /// Sends a packet as it is.
    func send(_ packet: GuestPacket, _ data: [UInt8] = []) {
        outgoing.append((packet, data))
    }

    /// A packet of a stream, with its credit.
    func packet(_ ports: Ports, _ operation: UInt16, flags: UInt32 = 0, length: UInt32 = 0) -> GuestPacket {
        GuestPacket(
            guestPort: ports.guest, hostPort: ports.host, length: length, operation: operation, flags: flags,
            allocation: allocation, forwarded: streams[ports]?.taken ?? 0)
    }

    /// A program of the guest wants to connect.
    func connect(_ guest: UInt32, to host: UInt32) -> Ports {
        let ports = Ports(guest: guest, host: host)
        streams[ports] = Stream()
        send(packet(ports, GuestPacket.request))
        return ports
    }

    /// A wicked guest's REQUEST: what comes of it is looked at as a stream of its own.
    func forgetIfRequest(_ packet: GuestPacket) {
        let ports = Ports(guest: packet.guestPort, host: packet.hostPort)
        if packet.operation == GuestPacket.request, streams[ports] == nil { streams[ports] = Stream() }
    }

    func shutdown(_ ports: Ports, _ flags: UInt32) {
        send(packet(ports, GuestPacket.shutdown, flags: flags))
    }

    /// What a guest does when it is interrupted, and what its programs do then.
    func poll() throws {
        var rang = (false, false)
        while let used = try driver.queues[0].takeUsed() {
            let address = receiving.removeFirst()
            let bytes = try driver.memory.bytes(at: GuestAddress(address), count: Int(used.written))
            try take(bytes)
            if givesBuffers {
                try giveBuffer(address)
                rang.0 = true
            } else {
                receiveBuffersHeld.append(address)
            }
        }
        if givesBuffers, !receiveBuffersHeld.isEmpty {
            for address in receiveBuffersHeld { try giveBuffer(address) }
            receiveBuffersHeld = []
            rang.0 = true
        }
        while try driver.queues[1].takeUsed() != nil { transmitsUnderWay -= 1 }
        if try driver.queues[2].takeUsed() != nil {
            events.append(try driver.memory.load(UInt32.self, at: GuestAddress(eventBuffer)))
            try driver.queues[2].offer([
                GuestDescriptor(address: eventBuffer, length: 4, flags: GuestDescriptor.write)
            ])
        }
        for ports in streams.keys { work(ports) }
        while !outgoing.isEmpty, transmitsUnderWay < Int(queueSize / 2) {
            let (packet, data) = outgoing.removeFirst()
            try transmit(packet.bytes, data)
            rang.1 = true
        }
        if rang.0 { driver.notify(0) }
        if rang.1 { driver.notify(1) }
    }

    /// Puts bytes into the transmit queue: header and data in a descriptor each.
    func transmit(_ header: [UInt8], _ data: [UInt8]) throws {
        let place = sending + UInt64(transmitSlot * Self.transmitRoom)
        transmitSlot = (transmitSlot + 1) % Int(queueSize / 2)
        try driver.memory.copyIn(header + data, to: GuestAddress(place))
        var chain = [GuestDescriptor(address: place, length: UInt32(header.count))]
        // Two descriptors always, so that they never run out.
        let split = data.count / 3
        if data.isEmpty {
            chain.append(GuestDescriptor(address: place, length: 0))
        } else {
            chain[0].length += UInt32(split)
            chain.append(
                GuestDescriptor(
                    address: place + UInt64(header.count + split), length: UInt32(data.count - split)))
        }
        try driver.queues[1].offer(chain)
        transmitsUnderWay += 1
    }

    private func take(_ bytes: [UInt8]) throws {
        func field<Field: FixedWidthInteger>(_ type: Field.Type, _ offset: Int) -> Field {
            (0..<Field.bitWidth / 8).reduce(0) { $0 | Field(bytes[offset + $1]) << (8 * $1) }
        }
        guard bytes.count >= 44 else {
            Issue.record("a packet of \(bytes.count) bytes")
            return
        }
        let packet = GuestPacket(
            sourceCID: field(UInt64.self, 8), destinationCID: field(UInt64.self, 0),
            guestPort: field(UInt32.self, 20), hostPort: field(UInt32.self, 16),
            length: field(UInt32.self, 24), kind: field(UInt16.self, 28), operation: field(UInt16.self, 30),
            flags: field(UInt32.self, 32), allocation: field(UInt32.self, 36),
            forwarded: field(UInt32.self, 40))
        #expect(packet.kind == 1)
        #expect(packet.sourceCID == Self.cid)
        #expect(Int(packet.length) == bytes.count - 44)
        if packet.operation != GuestPacket.data { packets.append(packet) }
        let ports = Ports(guest: packet.guestPort, host: packet.hostPort)
        streams[ports]?.peerAllocation = packet.allocation
        streams[ports]?.peerForwarded = packet.forwarded
        switch packet.operation {
        case GuestPacket.request:
            guard listening.contains(packet.guestPort), streams[ports] == nil else {
                send(self.packet(ports, GuestPacket.reset))
                return
            }
            streams[ports] = Stream(isOpen: true)
            streams[ports]?.peerAllocation = packet.allocation
            send(self.packet(ports, GuestPacket.response))
        case GuestPacket.response: streams[ports]?.isOpen = true
        case GuestPacket.reset:
            streams[ports]?.wasReset = true
            streams[ports]?.isOpen = false
        case GuestPacket.shutdown:
            streams[ports]?.hostShutdown |= packet.flags
            if streams[ports]?.hostShutdown == 3 { send(self.packet(ports, GuestPacket.reset)) }
        case GuestPacket.data:
            guard let stream = streams[ports] else {
                Issue.record("data for no stream")
                return
            }
            let held = UInt32(truncatingIfNeeded: stream.received.count) &- stream.taken
            #expect(
                !isHonest || held + packet.length <= allocation, "more than the guest has allowed")
            streams[ports]?.received += bytes[44...]
        case GuestPacket.creditUpdate: creditUpdates += 1
        case GuestPacket.creditRequest: send(self.packet(ports, GuestPacket.creditUpdate))
        default: Issue.record("operation \(packet.operation)")
        }
    }

    /// The program that has a stream reads and writes.
    private func work(_ ports: Ports) {
        guard var stream = streams[ports], stream.isOpen else { return }
        if reads {
            stream.taken = UInt32(truncatingIfNeeded: stream.received.count)
            streams[ports] = stream
            if stream.taken &- stream.told >= allocation / 2 {
                stream.told = stream.taken
                send(packet(ports, GuestPacket.creditUpdate))
            }
        }
        while !stream.toSend.isEmpty {
            let room = Int(stream.peerAllocation) - Int(stream.sent &- stream.peerForwarded)
            let count = min(room, stream.toSend.count, 4096)
            guard count > 0 else { break }
            send(packet(ports, GuestPacket.data, length: UInt32(count)), Array(stream.toSend.prefix(count)))
            stream.toSend = stream.toSend.dropFirst(count)
            stream.sent &+= UInt32(count)
            stream.told = stream.taken
        }
        if stream.toSend.isEmpty, stream.shutdownAtEnd != 0 {
            send(packet(ports, GuestPacket.shutdown, flags: stream.shutdownAtEnd))
            stream.shutdownAtEnd = 0
        }
        streams[ports] = stream
    }
}

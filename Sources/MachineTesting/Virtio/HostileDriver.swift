internal import Devices
internal import GuestMemory
internal import HostSystem
internal import Virtio

/// A driver that does its worst to a device, by chance but repeatably: descriptor loops, lengths past
/// memory, wrapping addresses, queue sizes that are none, jumping indices, queues moved while live, accesses
/// of all widths at all offsets, resets in mid-request, storms of notifications, and now and then something
/// nearly right, so that the deeper parts of a device are reached too.
public struct HostileDriver {
    private let driver: GuestDriver
    private var random: SeededGenerator
    /// The start of a request nearly right: what the device reads first.
    private let request: (inout SeededGenerator) -> [UInt8]
    private let memorySize: UInt64
    private let buffers: UInt64

    /// - Parameters:
    ///   - request: makes the beginning of a request that the device may understand.
    public init(
        _ driver: GuestDriver, seed: UInt64, request: @escaping (inout SeededGenerator) -> [UInt8]
    ) {
        self.driver = driver
        random = SeededGenerator(seed: seed)
        self.request = request
        memorySize = driver.memory.layout.size
        buffers = driver.allocate(Self.bufferSize)
    }

    private static let bufferSize: UInt64 = 256 << 10

    /// Does one wicked thing.
    public mutating func step() throws {
        switch random.next(upperBound: UInt64(20)) {
        case 0: pokeRegister()
        case 1: peekRegister()
        case 2: startAnyhow()
        case 3: try moveQueue()
        case 4: try jump()
        case 5: storm()
        case 6: driver.setRegister(0x70, UInt32(truncatingIfNeeded: random.next()))
        case 7: reset()
        case 8: pauseAndResume()
        case 9, 10: round()
        default:
            try offer()
            if random.next(upperBound: UInt64(2)) == 0 { notifyAny() }
        }
    }

    /// Makes the device new and leaves it to the test's well-behaved driver.
    public mutating func recover() throws {
        driver.setRegister(0x70, 0)
        round()
        try driver.start()
    }

    private mutating func startAnyhow() {
        // Half of the times by the book, so that there is a live device to torment.
        let features = driver.offeredFeatures()
        let chosen =
            random.next(upperBound: UInt64(2)) == 0
            ? features : features.intersection(FeatureSet(rawValue: random.next())).union(.version1)
        let size = UInt16(1) << UInt16(random.next(upperBound: UInt64(9)))
        driver.setFree(buffers + Self.bufferSize)
        do {
            try driver.start(chosen, queueSize: size)
        } catch {
            // Refused: there is no driver then, and the next step goes on with what there is.
            driver.setRegister(0x70, 0)
        }
    }

    private mutating func reset() {
        driver.setRegister(0x70, 0)
    }

    private mutating func pauseAndResume() {
        driver.device.pause()
        if random.next(upperBound: UInt64(2)) == 0 { notifyAny() }
        driver.device.resume()
    }

    /// One round of the device's loop: what came back from the host is taken.
    private func round() {
        driver.loop.stop()
        driver.loop.run()
    }

    private mutating func notifyAny() {
        driver.device.queueNotified(Int(random.next(upperBound: UInt64(driver.device.queueSizes.count))))
    }

    private mutating func storm() {
        for _ in 0..<50 {
            _ = driver.transport.write(
                offset: 0x50, width: .doubleWord, value: random.next(upperBound: UInt64(10)))
            if random.next(upperBound: UInt64(8)) == 0 { notifyAny() }
        }
    }

    private mutating func pokeRegister() {
        let width = anyWidth()
        let offset = random.next(upperBound: MMIOTransport.size - width.byteCount + 1)
        _ = driver.transport.write(offset: offset, width: width, value: anyNumber() & width.mask)
    }

    private mutating func peekRegister() {
        let width = anyWidth()
        let offset = random.next(upperBound: MMIOTransport.size - width.byteCount + 1)
        _ = driver.transport.read(offset: offset, width: width)
    }

    private mutating func anyWidth() -> AccessWidth {
        AccessWidth.allCases[Int(random.next(upperBound: UInt64(AccessWidth.allCases.count)))]
    }

    private mutating func moveQueue() throws {
        let place = QueuePlace(
            size: UInt16(truncatingIfNeeded: anyNumber()), descriptors: anyNumber(),
            driverArea: anyNumber(), deviceArea: anyNumber())
        driver.place(Int(random.next(upperBound: UInt64(8))), place)
    }

    private mutating func jump() throws {
        guard let queue = anyQueue() else { return }
        try queue.setAvailableIndex(UInt16(truncatingIfNeeded: random.next()))
        notifyAny()
    }

    private mutating func anyQueue() -> GuestQueue? {
        driver.queues.isEmpty ? nil : driver.queues[Int(random.next(upperBound: UInt64(driver.queues.count)))]
    }

    /// A chain, mostly of buffers that exist, its first holding what may be a request.
    private mutating func offer() throws {
        guard let queue = anyQueue() else { return }
        let bytes = request(&random)
        try driver.memory.copyIn(bytes, to: GuestAddress(buffers))
        var chain: [GuestDescriptor] = []
        if !bytes.isEmpty, random.next(upperBound: UInt64(4)) != 0 {
            chain.append(GuestDescriptor(address: buffers, length: UInt32(bytes.count)))
        }
        for _ in 0..<random.next(upperBound: UInt64(5)) { chain.append(anyDescriptor()) }
        if random.next(upperBound: UInt64(2)) == 0 {
            // Where most devices put a status.
            chain.append(
                GuestDescriptor(address: buffers + 4096, length: 1, flags: GuestDescriptor.write))
        }
        guard !chain.isEmpty else { return }
        if random.next(upperBound: UInt64(3)) != 0 { chain.sort { $0.flags & 2 < $1.flags & 2 } }
        if random.next(upperBound: UInt64(4)) == 0 {
            try offerIndirectly(chain, queue)
        } else if random.next(upperBound: UInt64(8)) == 0 {
            try offerTangled(chain, queue)
        } else {
            try queue.offer(chain)
        }
    }

    private mutating func offerIndirectly(_ chain: [GuestDescriptor], _ queue: GuestQueue) throws {
        let table = buffers + 8192
        for (index, descriptor) in chain.enumerated() {
            var descriptor = descriptor
            if index + 1 < chain.count || random.next(upperBound: UInt64(10)) == 0 {
                descriptor.flags |= GuestDescriptor.next
                descriptor.next =
                    random.next(upperBound: UInt64(20)) == 0
                    ? UInt16(random.next(upperBound: UInt64(9))) : UInt16(index + 1)
            }
            try queue.setDescriptor(descriptor, at: table + 16 * UInt64(index))
        }
        let length = random.next(upperBound: UInt64(10)) == 0 ? anyNumber() : UInt64(chain.count * 16)
        try queue.offer([
            GuestDescriptor(
                address: random.next(upperBound: UInt64(10)) == 0 ? anyNumber() : table,
                length: UInt32(truncatingIfNeeded: length), flags: GuestDescriptor.indirect)
        ])
    }

    /// Descriptors that lead anywhere, in circles too.
    private mutating func offerTangled(_ chain: [GuestDescriptor], _ queue: GuestQueue) throws {
        for descriptor in chain {
            var descriptor = descriptor
            descriptor.flags |= UInt16(random.next(upperBound: UInt64(8)))
            descriptor.next = UInt16(
                truncatingIfNeeded: random.next(upperBound: UInt64(queue.place.size) + 2))
            try queue.setDescriptor(UInt16(random.next(upperBound: UInt64(queue.place.size))), descriptor)
        }
        try queue.makeAvailable(
            UInt16(truncatingIfNeeded: random.next(upperBound: UInt64(queue.place.size) + 1)))
    }

    private mutating func anyDescriptor() -> GuestDescriptor {
        let isWild = random.next(upperBound: UInt64(12)) == 0
        let length: UInt32 =
            switch random.next(upperBound: UInt64(8)) {
            case 0: UInt32(truncatingIfNeeded: anyNumber())
            case 1: UInt32(random.next(upperBound: UInt64(64)))
            case 2, 3: 512 * UInt32(random.next(upperBound: UInt64(9)))
            default: 4096
            }
        return GuestDescriptor(
            address: isWild
                ? anyNumber() : buffers + 12288 + random.next(upperBound: Self.bufferSize - 16384),
            length: isWild ? length : min(length, 4096),
            flags: random.next(upperBound: UInt64(2)) == 0 ? GuestDescriptor.write : 0)
    }

    /// A number from where mistakes are: zero, the ends of memory and of the number's range.
    private mutating func anyNumber() -> UInt64 {
        switch random.next(upperBound: UInt64(8)) {
        case 0: random.next()
        case 1: UInt64.max &- random.next(upperBound: UInt64(5000))
        case 2: memorySize &- random.next(upperBound: UInt64(5000))
        case 3: memorySize &+ random.next(upperBound: UInt64(5000))
        case 4: UInt64(UInt32.max) &- random.next(upperBound: UInt64(3))
        case 5: 1 &<< random.next(upperBound: UInt64(64))
        case 6: random.next(upperBound: memorySize)
        default: random.next(upperBound: UInt64(5))
        }
    }
}

public import Devices
public import GuestMemory
public import HostSystem
internal import Synchronization
public import Virtio

/// An interrupt line that counts.
public final class FakeInterruptLine: InterruptLine {
    private let count = Atomic<Int>(0)
    private let handler = Mutex<(@Sendable () -> Void)?>(nil)

    /// No edge yet.
    public init() {}

    /// Has something called at each edge, on the thread that raises it.
    public func setHandler(_ handler: (@Sendable () -> Void)?) {
        self.handler.withLock { $0 = handler }
    }

    /// Edges so far.
    public var edges: Int { count.load(ordering: .acquiring) }

    /// Counts what goes up.
    public func set(asserted: Bool) {
        guard asserted else { return }
        count.wrappingAdd(1, ordering: .acquiringAndReleasing)
        handler.withLock { $0 }?()
    }

    /// One edge.
    public func pulse() { set(asserted: true) }
}

/// A device behind the real transport, over real memory, driven by a test as a guest would.
public final class GuestDriver {
    /// The guest's RAM.
    public let memory: PhysicalMemory
    /// The device's loop; nobody runs it but the test.
    public let loop: EventLoop
    /// The device's interrupt.
    public let line = FakeInterruptLine()
    /// What the device tells its driver.
    public let signals: DeviceSignals
    /// The device under test.
    public let device: any VirtioDevice
    /// Its registers.
    public let transport: MMIOTransport
    /// The driver's side of the queues, after `start`.
    public private(set) var queues: [GuestQueue] = []

    /// Where `allocate` takes from next.
    private var free: UInt64 = 0x1000
    private let registers: [EventRegistration]

    /// - Parameter make: makes the device under test.
    public init(
        name: String = "device", memorySize: UInt64 = 16 << 20, hugePages: Bool = false,
        _ make: (DeviceEnvironment) throws -> any VirtioDevice
    ) throws {
        guard let layout = AddressSpaceLayout(size: memorySize) else { throw DriverFailure("no such memory") }
        memory = try PhysicalMemory(layout: layout, hugePages: hugePages)
        loop = try EventLoop()
        let lines = LineBox()
        let log = DeviceLog(name) { lines.append($0) }
        self.lines = lines
        signals = DeviceSignals(line: line, log: log)
        device = try make(
            DeviceEnvironment(name: name, memory: memory, loop: loop, signals: signals, log: log))
        var bells: [QueueBell] = []
        var watched: [EventRegistration] = []
        for queue in device.queueSizes.indices {
            let bell = try QueueBell()
            watched.append(
                try loop.watch(bell.event.descriptor.number, for: [.readable, .edgeTriggered]) {
                    [device] _ in device.queueNotified(queue)
                })
            bells.append(bell)
        }
        registers = watched
        transport = MMIOTransport(device: device, signals: signals, memory: memory, bells: bells)
    }

    deinit {
        // What the loop holds of the device goes, or both would hold each other for ever.
        for register in registers { loop.unwatch(register) }
    }

    /// Runs the loop on this thread until something is so, looking after each interrupt.
    ///
    /// - Throws: if it is not so after ten seconds.
    public func run(until isSo: () throws -> Bool) throws {
        let timer = try TimerDescriptor()
        let isLate = Flag()
        let watch = try loop.watch(timer.descriptor.number, for: [.readable, .edgeTriggered]) { [loop] _ in
            isLate.isSet.store(true, ordering: .relaxed)
            loop.stop()
        }
        defer { loop.unwatch(watch) }
        timer.set(afterNanoseconds: 10_000_000_000)
        line.setHandler { [loop] in loop.stop() }
        defer { line.setHandler(nil) }
        while try !isSo() {
            guard !isLate.isSet.load(ordering: .relaxed) else {
                throw DriverFailure("it has not come to pass")
            }
            loop.run()
        }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Goes round the loop once on this thread, without waiting.
    public func goRound() {
        loop.stop()
        loop.run()
    }

    private let lines: LineBox

    /// What the device has logged.
    public var log: [String] { lines.all }

    /// Reads a register.
    public func register(_ offset: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: transport.read(offset: offset, width: .doubleWord))
    }

    /// Writes a register.
    public func setRegister(_ offset: UInt64, _ value: UInt32) {
        _ = transport.write(offset: offset, width: .doubleWord, value: UInt64(value))
    }

    /// The device status.
    public var status: DeviceStatus { DeviceStatus(rawValue: UInt8(truncatingIfNeeded: register(0x70))) }

    /// Bytes of guest memory nobody else uses, page-aligned.
    public func allocate(_ size: UInt64) -> UInt64 {
        defer { free += (size + 4095) & ~4095 }
        return free
    }

    /// Sets where `allocate` takes from next: what lies behind is free again.
    public func setFree(_ address: UInt64) { free = address }

    /// What the device offers.
    public func offeredFeatures() -> FeatureSet {
        setRegister(0x14, 0)
        let low = register(0x10)
        setRegister(0x14, 1)
        return FeatureSet(rawValue: UInt64(low) | UInt64(register(0x10)) << 32)
    }

    /// Negotiates, in the order of 3.1.1 up to FEATURES_OK.
    ///
    /// - Returns: whether the device agreed.
    @discardableResult
    public func negotiate(_ features: FeatureSet) -> Bool {
        setRegister(0x70, 0)
        setRegister(0x70, 1)
        setRegister(0x70, 3)
        setRegister(0x24, 0)
        setRegister(0x20, UInt32(truncatingIfNeeded: features.rawValue))
        setRegister(0x24, 1)
        setRegister(0x20, UInt32(truncatingIfNeeded: features.rawValue >> 32))
        setRegister(0x70, 11)
        return status.contains(.featuresOK)
    }

    /// Tells the device where a queue is.
    public func place(_ index: Int, _ place: QueuePlace, isReady: Bool = true) {
        setRegister(0x30, UInt32(index))
        setRegister(0x38, UInt32(place.size))
        for (offset, address) in [
            (0x80, place.descriptors), (0x90, place.driverArea), (0xA0, place.deviceArea),
        ] as [(UInt64, UInt64)] {
            setRegister(offset, UInt32(truncatingIfNeeded: address))
            setRegister(offset + 4, UInt32(truncatingIfNeeded: address >> 32))
        }
        if isReady { setRegister(0x44, 1) }
    }

    /// The whole start of a well-behaved driver: all queues of the device, at most `size` long.
    public func start(_ features: FeatureSet? = nil, queueSize: UInt16 = 64, queueCount: Int? = nil) throws {
        let wanted = features ?? offeredFeatures()
        guard negotiate(wanted) else { throw DriverFailure("features \(wanted) were refused") }
        queues = []
        for index in 0..<(queueCount ?? device.queueSizes.count) {
            setRegister(0x30, UInt32(index))
            let size = min(queueSize, UInt16(truncatingIfNeeded: register(0x34)))
            let base = allocate(GuestQueue.footprint(size: size))
            guard
                let range = GuestRange(
                    start: GuestAddress(base), size: GuestQueue.footprint(size: size))
            else { throw DriverFailure("no memory left") }
            try memory.fill(range, with: 0)
            let queue = GuestQueue(memory: memory, base: base, size: size)
            place(index, queue.place)
            queues.append(queue)
        }
        setRegister(0x70, 15)
    }

    /// Rings a queue's bell, and has the device look at once on this thread.
    public func notify(_ index: Int) {
        device.queueNotified(index)
    }
}

/// Lines from any thread.
private final class LineBox: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

/// What a test's driver cannot do.
public struct DriverFailure: Error, CustomStringConvertible {
    /// A sentence.
    public let description: String
    init(_ description: String) { self.description = description }
}

import GuestMemory
import HostSystem
import MachineTesting
import Synchronization
import Testing
import Virtio

/// Who carries requests out, and how: each way is tested alike.
enum BlockWay: String, CaseIterable, CustomTestStringConvertible {
    case ring
    case workers
    case directRing
    case directWorkers

    var engine: FileEngine.Choice { self == .ring || self == .directRing ? .ring : .workers }
    var isDirect: Bool { self == .directRing || self == .directWorkers }
    var testDescription: String { rawValue }

    /// Those this host has.
    static let available: [BlockWay] =
        IORing.unavailability() == nil ? allCases : [.workers, .directWorkers]
}

/// A request as a driver cuts it: what the device reads, and what it writes, the status left out.
struct BlockBuffers {
    var readable: [Int]
    var writable: [Int]
}

/// A disk in a file of its own, and a driver for it. The test's thread is the event loop's: nothing happens
/// but while it waits.
final class TestDisk {
    let directory = try? TemporaryDirectory()
    let path: String
    let driver: GuestDriver
    let device: BlockDevice
    private let isLate = Flag()
    private let timer: TimerDescriptor

    /// How long anything may take in seconds: much more than it does on a busy machine.
    private static let limit: UInt64 = 60

    /// - Parameters:
    ///   - contents: of the file, or a size for a file of nothing but a hole.
    ///   - start: whether the driver is to negotiate all but event indices, so that each answer interrupts.
    init(
        _ way: BlockWay = .workers, contents: [UInt8]? = nil, size: Int = 1 << 20, path: String? = nil,
        isReadOnly: Bool = false, without refused: FeatureSet = [], start: Bool = true,
        _ change: (inout BlockSettings) -> Void = { _ in }
    ) throws {
        let place = try path ?? #require(directory).path + "/disk.img"
        if path == nil { try TestFile.make(place, contents: contents, size: size) }
        self.path = place
        var settings = BlockSettings()
        settings.engine = way.engine
        settings.id = "test"
        change(&settings)
        var made: BlockDevice?
        driver = try GuestDriver(name: "disk0") { environment in
            let image = try DiskImage.open(place, isReadOnly: isReadOnly, isDirect: way.isDirect)
            let device = try BlockDevice(image, settings, environment)
            made = device
            return device
        }
        device = try #require(made)
        timer = try TimerDescriptor()
        let loop = driver.loop
        driver.line.setHandler { loop.stop() }
        _ = try loop.watch(timer.descriptor.number, for: [.readable, .edgeTriggered]) { [isLate] _ in
            isLate.raise()
            loop.stop()
        }
        if start { try self.start(without: refused) }
    }

    func start(without refused: FeatureSet = []) throws {
        try driver.start(driver.offeredFeatures().subtracting(refused.union(.eventIndex)))
    }

    var queue: GuestQueue { driver.queues[0] }

    /// A request's header, as 16 bytes.
    static func header(_ type: UInt32, _ sector: UInt64 = 0) -> [UInt8] {
        bytes(type) + bytes(UInt32(0)) + bytes(sector)
    }

    static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// A request that was handed to the device.
    struct Request {
        let head: UInt16
        let data: UInt64
        let writable: Int

        var status: UInt64 { data + UInt64(writable) }
    }

    /// Hands a request to the device, without ringing for it.
    ///
    /// - Parameters:
    ///   - readable: header and data.
    ///   - writable: how many bytes of data the device is to write.
    ///   - cuts: where the readable and the writable part, status included, are cut into descriptors.
    func offer(
        _ readable: [UInt8], writable: Int = 0, readableCuts: [Int] = [16], writableCuts: [Int] = []
    ) throws -> Request {
        let source = driver.allocate(UInt64(max(1, readable.count)))
        try driver.memory.copyIn(readable, to: GuestAddress(source))
        let target = driver.allocate(UInt64(writable + 1))
        try driver.memory.copyIn(
            [UInt8](repeating: 0xEE, count: writable + 1), to: GuestAddress(target))
        var chain: [GuestDescriptor] = []
        func add(_ base: UInt64, _ count: Int, _ cuts: [Int], _ flags: UInt16) {
            let places = [0] + cuts.filter { $0 > 0 && $0 < count } + [count]
            for (first, next) in zip(places, places.dropFirst()) where next > first {
                chain.append(
                    GuestDescriptor(
                        address: base + UInt64(first), length: UInt32(next - first), flags: flags))
            }
        }
        add(source, readable.count, readableCuts, 0)
        add(target, writable + 1, writableCuts + [writable], GuestDescriptor.write)
        return Request(head: try queue.offer(chain), data: target, writable: writable)
    }

    /// Rings, and waits until the device has given so many chains back.
    func finish(_ count: Int = 1) throws -> [(head: UInt32, written: UInt32)] {
        driver.notify(0)
        var used: [(head: UInt32, written: UInt32)] = []
        timer.set(afterNanoseconds: Self.limit * 1_000_000_000)
        defer { timer.disarm() }
        while true {
            while let next = try queue.takeUsed() { used.append(next) }
            if used.count >= count { return used }
            driver.loop.run()
            if isLate.isRaised { throw TestFailure("the disk gave back \(used.count) of \(count) requests") }
        }
    }

    func status(_ request: Request) throws -> UInt8 {
        try driver.memory.bytes(at: GuestAddress(request.status), count: 1)[0]
    }

    func data(_ request: Request) throws -> [UInt8] {
        try driver.memory.bytes(at: GuestAddress(request.data), count: request.writable)
    }

    /// Does one request, and answers its status.
    func perform(_ readable: [UInt8], writable: Int = 0) throws -> UInt8 {
        let request = try offer(readable, writable: writable)
        _ = try finish()
        return try status(request)
    }

    /// Reads, and answers nil if the device says no.
    func read(_ sector: UInt64, count: Int) throws -> [UInt8]? {
        let request = try offer(Self.header(0, sector), writable: count)
        _ = try finish()
        return try status(request) == 0 ? try data(request) : nil
    }

    func write(_ sector: UInt64, _ bytes: [UInt8]) throws -> UInt8 {
        try perform(Self.header(1, sector) + bytes)
    }

    /// A discard (11) or write-zeroes (13) request of ranges.
    func ranges(_ type: UInt32, _ ranges: [(sector: UInt64, count: UInt32, flags: UInt32)]) throws -> UInt8 {
        try perform(
            Self.header(type)
                + ranges.flatMap { Self.bytes($0.sector) + Self.bytes($0.count) + Self.bytes($0.flags) })
    }

    /// Bytes that tell their place: no two sectors of a few megabytes are alike. A seed shifts them.
    static func pattern(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
        // Copies of a piece as long as no power of two divides: quick also without optimisation.
        let start = Int(seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(start + count + piece.count)
        while bytes.count < start + count { bytes += piece }
        return Array(bytes[start..<start + count])
    }

    private static let piece: [UInt8] = {
        var random = SeededGenerator(seed: 1)
        return (0..<4093).map { _ in UInt8.random(in: 0...255, using: &random) }
    }()
}

/// A flag that a handler raises.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

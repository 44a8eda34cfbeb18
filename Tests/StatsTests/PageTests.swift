import HostSystem
import MachineTesting
import Testing

@testable import Stats

@Suite("A stats page")
struct PageTests {
    /// A device with a number of each kind.
    struct DeviceShape {
        let shape: StatsShape
        let requests: StatsSlot
        let depth: StatsSlot
        let most: StatsSlot
        let owner: StatsSlot
        let latency: StatsHistogramSlot

        init() {
            var shape = StatsShape()
            requests = shape.counter("requests")
            depth = shape.gauge("depth", .bytes)
            most = shape.peak("most")
            owner = shape.identifier("owner")
            latency = shape.histogram("latency", .nanoseconds, buckets: 4)
            self.shape = shape
        }
    }

    let device = DeviceShape()
    let directory: TemporaryDirectory
    var path: String { directory.path + "/stats" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("Its tables lie as docs/stats-page.md says, byte for byte")
    func layout() {
        var small = StatsShape()
        _ = small.counter("in", .bytes)
        var plan = PagePlan([
            StatsDeclaration("net.a", small), StatsDeclaration("x", device.shape),
            StatsDeclaration("net.b", small),
        ])
        plan.sign(process: 0x1234, bootTime: 1, monotonicTime: 2, realTime: 3)
        let words = stride(from: 0, to: plan.bytes.count, by: 4).map { offset in
            (0..<4).reduce(0 as UInt32) { $0 | UInt32(plan.bytes[offset + $1]) << UInt32($1 * 8) }
        }
        let header: [UInt32] = [
            // The magic comes last, when all else is there; version, header's size, page's size, generation.
            0, 0, 1, 128, 4096, 1,
            // Process; boot, monotonic and real time.
            0x1234, 0, 1, 0, 2, 0, 3, 0,
            // Sections, metrics, names, data: place and number or size.
            128, 3, 224, 6, 320, 42, 384, 3 * 128,
        ]
        #expect(Array(words[..<22]) == header)
        #expect(words[22..<32].allSatisfy { $0 == 0 })
        let sections: [UInt32] = [
            // Name's place and size, first metric, metrics, offset, size, 0, 0.
            2, 5, 0, 1, 384, 16, 0, 0,
            36, 1, 1, 5, 512, 80, 0, 0,
            37, 5, 0, 1, 640, 16, 0, 0,
        ]
        #expect(Array(words[32..<56]) == sections)
        let metrics: [UInt32] = [
            // Name's place, its size with kind and unit above, offset in the section, cells.
            0, 0x0100_0002, 8, 1,
            7, 0x0000_0008, 8, 1,
            15, 0x0101_0005, 16, 1,
            20, 0x0002_0004, 24, 1,
            24, 0xFF04_0005, 32, 1,
            29, 0x0203_0007, 40, 5,
        ]
        #expect(Array(words[56..<80]) == metrics)
        #expect(Array(plan.bytes[320..<362]).text == "innet.arequestsdepthmostownerlatencyxnet.b")
        #expect(plan.size == 4096)
    }

    @Test("What is counted is what a reader finds, by name, kind and unit")
    func counting() throws {
        let page = try StatsPage(
            [StatsDeclaration("block.disk0", device.shape), StatsDeclaration("block.disk1", device.shape)],
            path: path)
        let section = try #require(page["block.disk1"])
        section[device.requests].add()
        section[device.requests].add(41)
        section[device.depth].add(10)
        section[device.depth].subtract(3)
        section[device.most].raise(to: 7)
        section[device.most].raise(to: 3)
        section[device.owner].set(StatsCell.nothing)
        section.update {
            for value in [0, 1, 3, 4, 1000] as [UInt64] { section[device.latency].record(value) }
        }

        var reader = try StatsReader(path)
        let snapshot = try reader.snapshot()
        #expect(snapshot.process == HostProcess.identifier)
        #expect(
            snapshot.readTime >= snapshot.monotonicTime && snapshot.bootTime <= HostClock.bootNanoseconds())
        #expect(snapshot.sections.map(\.name) == ["block.disk0", "block.disk1"])
        let disk = try #require(snapshot["block.disk1"])
        #expect(disk.isConsistent)
        #expect(disk.values.map(\.name) == ["requests", "depth", "most", "owner", "latency"])
        #expect(disk.values.map(\.kind) == [.counter, .gauge, .peak, .identifier, .histogram])
        #expect(disk.values.map(\.unit) == [.count, .bytes, .count, .none, .nanoseconds])
        #expect(disk.values.map(\.number) == [42, 7, 7, nil, 5])
        #expect(Array(disk.values[4].buckets) == [1, 1, 1, 2] && disk.values[4].sum == 1008)
        #expect(snapshot["block.disk0"]?["requests"] == 0)
        #expect(disk["nothing"] == nil && snapshot["block.disk2"] == nil && page["block.disk2"] == nil)
    }

    @Test("Sections have cache lines of their own, and sections of one shape share its table")
    func sharing() {
        let declarations = (0..<255).map { StatsDeclaration("vcpu\($0)", ProcessorShape.usual.shape) }
        let plan = PagePlan(declarations)
        #expect(plan.sections.allSatisfy { $0.offset % 128 == 0 })
        #expect(Set(plan.sections.map(\.offset)).count == 255)
        #expect(plan.size < 48 << 10)
    }

    @Test("Its file is for its owner only, and one that is there is left alone")
    func file() throws {
        _ = try StatsPage([StatsDeclaration("a", device.shape)], path: path)
        #expect(try FileModes.mode(of: path) == 0o600)
        #expect(throws: SystemError.self) {
            _ = try StatsPage([StatsDeclaration("a", device.shape)], path: path)
        }
        #expect(throws: SystemError.self) {
            _ = try StatsPage([StatsDeclaration("a", device.shape)], path: directory.path + "/none/stats")
        }
    }

    @Test("A full disk is an error when the page is made, and leaves nothing")
    func fullDisk() throws {
        let error = #expect(throws: SystemError.self) {
            _ = try Mapping.newFile("/dev/shm/roost-test-\(HostProcess.identifier)", size: 1 << 50)
        }
        #expect(error?.description.contains("cannot allocate") == true, "\(error.map { "\($0)" } ?? "")")
        #expect(throws: StatsError.self) {
            _ = try StatsReader("/dev/shm/roost-test-\(HostProcess.identifier)")
        }
    }
}

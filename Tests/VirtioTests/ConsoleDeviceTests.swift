import Devices
import GuestMemory
import HostSystem
import MachineTesting
import Synchronization
import Testing
import Virtio

@Suite("virtio console")
struct ConsoleDeviceTests {
    private final class Clock: Sendable {
        let time = Atomic<UInt64>(1)
        func advance(_ nanoseconds: UInt64) { time.wrappingAdd(nanoseconds, ordering: .relaxed) }
    }

    /// A console and its driver.
    private struct Setup {
        let driver: GuestDriver
        let console: ConsoleDevice
        let clock = Clock()

        init() throws {
            var made: ConsoleDevice?
            let clock = clock
            driver = try GuestDriver(name: "console") {
                let console = try ConsoleDevice($0, now: { clock.time.load(ordering: .relaxed) })
                made = console
                return console
            }
            console = try #require(made)
            try driver.start()
        }

        /// Makes output available, and rings.
        func write(_ texts: [String]) throws {
            let buffers = try texts.map { text in
                let place = driver.allocate(UInt64(text.utf8.count))
                try driver.memory.copyIn(Array(text.utf8), to: GuestAddress(place))
                return GuestDescriptor(address: place, length: UInt32(text.utf8.count))
            }
            try driver.queues[1].offer(buffers)
            driver.notify(1)
        }

        /// Makes a buffer for input available, and rings.
        func offerRoom(_ size: UInt32) throws -> UInt64 {
            let place = driver.allocate(UInt64(size))
            try driver.queues[0].offer([
                GuestDescriptor(address: place, length: size, flags: GuestDescriptor.write)
            ])
            driver.notify(0)
            return place
        }

        /// Whether the device has told of output since the last time.
        func hasOutput() -> Bool { console.outputReady.drain() }

        /// Whether the device has told of room since the last time.
        func wantsInput() -> Bool { console.inputWanted.drain() }

        func drain(_ limit: Int = 100) -> String {
            var bytes = [UInt8](repeating: 0, count: limit)
            let count = console.drain(into: &bytes)
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    @Test("what the guest writes stays in its buffers until it is drained, piece by piece")
    func output() throws {
        let setup = try Setup()
        try setup.write(["hello ", "world"])
        try setup.write(["!"])
        #expect(setup.hasOutput())
        #expect(try setup.driver.queues[1].takeUsed() == nil)
        #expect(setup.drain(4) == "hell")
        #expect(try setup.driver.queues[1].takeUsed() == nil, "the first chain is not read to its end")
        #expect(setup.drain() == "o world!")
        #expect(try setup.driver.queues[1].takeUsed()?.head == 0)
        #expect(try setup.driver.queues[1].takeUsed()?.head == 2)
        #expect(setup.drain() == "")
        #expect(!setup.hasOutput())
    }

    @Test("input goes as far as the guest has buffers, and its next buffer is told of")
    func input() throws {
        let setup = try Setup()
        #expect(setup.console.type(Array("abc".utf8)[...]) == 0)
        let first = try setup.offerRoom(4)
        #expect(setup.wantsInput())
        #expect(setup.console.type(Array("hello".utf8)[...]) == 4)
        #expect(try setup.driver.memory.bytes(at: GuestAddress(first), count: 5) == Array("hell\0".utf8))
        #expect(try setup.driver.queues[0].takeUsed()?.written == 4)
        let second = try setup.offerRoom(4)
        #expect(setup.wantsInput())
        #expect(setup.console.type(Array("o".utf8)[...]) == 1)
        #expect(try setup.driver.queues[0].takeUsed()?.written == 1)
        #expect(try setup.driver.memory.bytes(at: GuestAddress(second), count: 2) == Array("o\0".utf8))
        _ = try setup.offerRoom(4)
        #expect(!setup.wantsInput(), "nobody waits")
    }

    @Test("a console that nobody drains goes on without after a while, and counts what is lost")
    func patience() throws {
        let setup = try Setup()
        #expect(setup.console.review() == nil)
        try setup.write(["lost"])
        let time = try #require(setup.console.review())
        #expect(time == 1 + ConsoleDevice.patience)
        setup.clock.advance(ConsoleDevice.patience - 1)
        #expect(setup.console.review() == time)
        #expect(setup.console.droppedBytes == 0)
        setup.clock.advance(1)
        #expect(setup.console.review() == nil)
        #expect(setup.console.droppedBytes == 4)
        #expect(try setup.driver.queues[1].takeUsed() != nil)
        try setup.write(["read"])
        setup.clock.advance(ConsoleDevice.patience / 2)
        #expect(setup.drain() == "read")
        setup.clock.advance(ConsoleDevice.patience)
        #expect(setup.console.review() == nil)
        #expect(setup.console.droppedBytes == 4)
    }

    @Test("the guest knows the terminal's size, and hears of a new one once")
    func size() throws {
        let setup = try Setup()
        #expect(setup.driver.offeredFeatures().isSuperset(of: [.consoleSize, .consoleEmergencyWrite]))
        #expect(!setup.driver.offeredFeatures().contains(FeatureSet(bit: 1)), "one port alone")
        setup.console.resize(TerminalSize(columns: 132, rows: 50))
        #expect(setup.driver.register(0x100) == 50 << 16 | 132)
        #expect(setup.driver.line.edges == 1)
        #expect(setup.driver.register(0x60) == 2)
        setup.console.resize(TerminalSize(columns: 132, rows: 50))
        #expect(setup.driver.line.edges == 1)
    }

    @Test("a guest in need writes without a queue, also before its driver is ready")
    func emergency() throws {
        let setup = try Setup()
        setup.driver.setRegister(0x70, 0)
        for byte in "SOS".utf8 { setup.driver.setRegister(0x108, UInt32(byte)) }
        #expect(setup.hasOutput())
        #expect(setup.drain(2) == "SO")
        #expect(setup.drain() == "S")
        for _ in 0..<2000 { setup.driver.setRegister(0x108, 0x41) }
        #expect(setup.console.droppedBytes == 976)
    }

    @Test("a reset takes what was not drained, and a pause leaves everything where it is")
    func lifecycle() throws {
        let setup = try Setup()
        setup.console.pause()
        try setup.write(["kept"])
        #expect(setup.drain() == "")
        #expect(setup.console.type([1]) == 0)
        #expect(setup.console.review() == nil)
        setup.console.resume()
        #expect(setup.hasOutput())
        #expect(setup.drain() == "kept")
        try setup.write(["gone"])
        setup.driver.setRegister(0x70, 0)
        #expect(setup.drain() == "")
        try setup.driver.start()
        try setup.write(["new"])
        #expect(setup.drain() == "new")
    }
}

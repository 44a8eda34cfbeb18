import Devices
import Synchronization
import X86

/// A line that remembers its level and counts its rises.
final class FakeInterruptLine: InterruptLine {
    private let state = Mutex((level: false, rises: 0))

    var isAsserted: Bool { state.withLock { $0.level } }
    var rises: Int { state.withLock { $0.rises } }

    func set(asserted: Bool) {
        state.withLock {
            if asserted, !$0.level { $0.rises += 1 }
            $0.level = asserted
        }
    }
}

/// A sink that remembers all it is told, in order.
final class FakeMessageSink: MessageSink {
    enum Event: Equatable {
        case sent(InterruptMessage)
        case route(pin: Int, IOAPICRoute)
    }

    private let events = Mutex<[Event]>([])
    private let accepts = Atomic<Bool>(true)
    /// Called within `routeChanged`, as another thread could be at that moment.
    let whileRouteChanges = Mutex<(@Sendable () -> Void)?>(nil)

    var all: [Event] { events.withLock { $0 } }
    var sent: [InterruptMessage] {
        all.compactMap { if case .sent(let message) = $0 { message } else { nil } }
    }
    var routes: [(pin: Int, route: IOAPICRoute)] {
        all.compactMap { if case .route(let pin, let route) = $0 { (pin, route) } else { nil } }
    }

    func setAccepts(_ value: Bool) { accepts.store(value, ordering: .relaxed) }
    func clear() { events.withLock { $0 = [] } }

    func send(_ message: InterruptMessage) -> Bool {
        events.withLock { $0.append(.sent(message)) }
        return accepts.load(ordering: .relaxed)
    }

    func routeChanged(pin: Int, to route: IOAPICRoute) {
        events.withLock { $0.append(.route(pin: pin, route)) }
        whileRouteChanges.withLock { $0 }?()
    }
}

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
    private let time = Atomic<Int64>(0)

    init(_ start: Int64 = 0) { time.store(start, ordering: .relaxed) }

    var now: Int64 { time.load(ordering: .relaxed) }
    func advance(_ amount: Int64) { time.wrappingAdd(amount, ordering: .relaxed) }
    func advance(milliseconds: Int64) { advance(milliseconds * 1_000_000) }
}

/// A number anybody may add to.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .relaxed) }
    func increment() { value.wrappingAdd(1, ordering: .relaxed) }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value &>> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value &>> 31)
    }
}

/// A device that remembers its last write and reads as a constant.
final class FakeDevice: BusDevice {
    struct Access: Equatable {
        var offset: UInt64
        var width: AccessWidth
        var value: UInt64
    }

    private let last = Mutex<Access?>(nil)
    private let value: UInt64
    private let effect: BusEffect

    init(reads value: UInt64 = 0, effect: BusEffect = .none) {
        self.value = value
        self.effect = effect
    }

    var lastAccess: Access? { last.withLock { $0 } }

    func read(offset: UInt64, width: AccessWidth) -> UInt64 {
        last.withLock { $0 = Access(offset: offset, width: width, value: 0) }
        return value
    }

    func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect {
        last.withLock { $0 = Access(offset: offset, width: width, value: value) }
        return effect
    }
}

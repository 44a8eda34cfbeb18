public import Devices
internal import GuestMemory
public import HostSystem
public import Stats

/// The memory balloon (virtio 1.2, 5.5): by it a guest gives memory back to the host.
///
/// Pages that are put in, reported free or named upon a question are given back before the driver hears
/// that they were taken, in runs as long as one wake-up's pages make them.
public final class BalloonDevice: VirtioDevice {
    let environment: DeviceEnvironment
    private let state: Guarded<BalloonState>
    /// Rings when the guest is to be asked for statistics.
    private let timer: TimerDescriptor
    /// What it offers of its own.
    public let features: FeatureSet

    /// An idle device.
    public init(_ environment: DeviceEnvironment, _ wished: BalloonConfiguration) throws(SystemError) {
        self.environment = environment
        features = wished.features
        timer = try TimerDescriptor()
        state = Guarded(try BalloonState.make(environment, wished))
        // Both live as long as the loop does.
        _ = try environment.loop.watch(timer.descriptor.number, for: [.readable, .edgeTriggered]) {
            [weak self] _ in self?.ask()
        }
        let turn = environment.loop.watchSignals { [weak self] in self?.serveWaiting() }
        state.withLock {
            $0.turn = turn
            $0.show()
        }
    }

    /// Memory balloon.
    public var kind: VirtioDeviceKind { .balloon }
    /// inflateq, deflateq, and as many of statsq, free_page_vq and reporting_vq as may be negotiated.
    public var queueSizes: [UInt16] { BalloonRole.roles(features).map { _ in 128 } }

    /// num_pages, actual, free_page_hint_cmd_id and poison_val.
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 {
        state.withLock { $0.configuration.read(offset: offset, width: width) }
    }

    /// The guest's are actual and poison_val.
    public func writeConfiguration(offset: UInt64, width: AccessWidth, value: UInt64) {
        state.withLock { state in
            for field in [BalloonState.Field.claimed, BalloonState.Field.poison] {
                state.configuration.write(
                    offset: offset, width: width, value: value, writable: field..<field + 4)
            }
            state.show()
        }
    }

    /// Takes the queues there are with these features.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        var queues = queues
        state.withLock { state in
            state.activate(&queues, features)
            setTimer(state)
        }
    }

    /// Serves a queue for one batch.
    public func queueNotified(_ index: Int) {
        serve { state in state.role(of: index).map { BalloonRoles([$0]) } ?? [] }
    }

    /// Serves those queues that had more than one batch.
    private func serveWaiting() {
        serve { state in state.takeWaiting() }
    }

    private func serve(_ choose: (inout BalloonState) -> BalloonRoles) {
        let hasNews = state.withLock { state in
            let roles = choose(&state)
            var hasNews = false
            do throws(QueueError) {
                for role in BalloonRole.allCases where roles.contains(role) {
                    if try state.serve(role) { hasNews = true }
                }
            } catch {
                environment.signals.fail(error)
            }
            if state.isWaiting, let turn = state.turn { environment.loop.signal(turn) }
            state.show()
            return hasNews
        }
        if hasNews { environment.signals.configurationChanged() }
    }

    /// Asks for statistics.
    private func ask() {
        timer.drain()
        state.withLock { $0.ask() }
    }

    private func setTimer(_ state: borrowing BalloonState) {
        if state.canAsk {
            timer.set(afterNanoseconds: state.statisticsInterval, every: state.statisticsInterval)
        } else {
            timer.disarm()
        }
    }

    /// Touches nothing until `resume`, and asks nothing.
    public func pause() {
        state.withLock { state in
            state.isPaused = true
            setTimer(state)
        }
    }

    /// Looks at what came meanwhile.
    public func resume() {
        serve { state in
            state.isPaused = false
            setTimer(state)
            return BalloonRoles(BalloonRole.allCases)
        }
    }

    /// Forgets the driver, what it put in, and what it told.
    public func reset() {
        state.withLock { state in
            state.reset()
            setTimer(state)
            state.show()
        }
    }
}

extension BalloonDevice {
    /// What it is asked to hold, in bytes.
    public var targetBytes: UInt64 { state.withLock { $0.targetBytes } }
    /// What the guest has put in and not taken out, by our own count, in bytes.
    public var heldBytes: UInt64 { state.withLock { $0.heldBytes } }
    /// What the guest says that it holds, in bytes.
    public var claimedBytes: UInt64 { state.withLock { $0.claimedBytes } }
    /// What it has done so far.
    public var figures: BalloonFigures { state.withLock { $0.figures } }
    /// What the guest told of its memory, since its driver started.
    public var guestStatistics: GuestStatistics { state.withLock { $0.statistics } }
    /// Whether the guest was asked for its free pages, and has not come to an end.
    public var isHinting: Bool { state.withLock { $0.hinting.isActive } }

    /// Asks it to hold so much; the guest follows in its own time. Any thread.
    ///
    /// - Parameter bytes: a part of a page does not count.
    /// - Throws: if that is more than the guest's memory.
    public func setTarget(bytes: UInt64) throws(BalloonError) {
        let memory = environment.memory.layout.size
        guard bytes <= memory else { throw .targetBeyondMemory(bytes, memory: memory) }
        let pages = UInt32(truncatingIfNeeded: bytes / AddressSpaceLayout.pageSize)
        state.withLock { state in
            state.configuration.set(pages, at: BalloonState.Field.target)
            state.show()
        }
        environment.signals.configurationChanged()
    }

    /// Changes how often the guest is asked for statistics. Any thread.
    ///
    /// - Parameter nanoseconds: 0 never asks.
    public func setStatisticsInterval(nanoseconds: UInt64) {
        state.withLock { state in
            state.statisticsInterval = nanoseconds
            setTimer(state)
        }
    }

    /// Asks the guest for the pages it does not use, to give them back to the host. Any thread.
    ///
    /// A guest that takes such a page back for want of memory in the very moment in which it is given back
    /// loses what it wrote there: the specification leaves no way to tell.
    ///
    /// - Throws: if its driver has not agreed to that.
    public func requestFreePages() throws(BalloonError) {
        try state.withLock { state throws(BalloonError) in try state.requestFreePages() }
        environment.signals.configurationChanged()
    }

    /// Wants no more pages, and lets the guest use those it named. Any thread.
    public func endFreePages() {
        let hasNews = state.withLock { $0.endFreePages() }
        if hasNews { environment.signals.configurationChanged() }
    }

    /// Shows what it holds in a cell of another section too.
    public func showHeld(in cell: StatsCell) {
        state.withLock { state in
            state.heldCell = cell
            state.show()
        }
    }
}

/// What a balloon cannot be asked for.
public enum BalloonError: Error, Equatable, CustomStringConvertible {
    /// More bytes than the guest's memory has.
    case targetBeyondMemory(UInt64, memory: UInt64)
    /// The guest's driver names no free pages.
    case noHinting

    /// One sentence for people.
    public var description: String {
        switch self {
        case .targetBeyondMemory(let bytes, let memory):
            "a balloon of \(bytes) bytes is more than the guest's memory, \(memory) bytes"
        case .noHinting: "the guest's driver does not tell which pages are free when asked"
        }
    }
}

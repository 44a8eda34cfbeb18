internal import HostSystem
internal import Synchronization

/// Lets and stops the virtual CPUs together: pause is a barrier that all of them reach.
///
/// A virtual CPU looks at `shouldPark` before each entry to the guest, one relaxed load. Whoever
/// changes the command then gets each of them out of the kernel by `kick`.
final class RunControl: Sendable {
    private enum Command: UInt8 {
        case run
        case pause
        case stop
    }

    private struct Parking {
        /// Virtual CPUs that wait at the barrier.
        var parked = 0
        /// Virtual CPUs whose threads have not ended.
        var running: Int
    }

    private let command: Atomic<UInt8>
    private let parking: Monitor<Parking>

    /// - Parameter isPaused: whether the machine begins at the barrier.
    init(processorCount: Int, isPaused: Bool = false) {
        command = Atomic((isPaused ? Command.pause : .run).rawValue)
        parking = Monitor(Parking(running: processorCount))
    }

    /// Whether a virtual CPU must call `park` before it enters the guest.
    @inline(__always)
    var shouldPark: Bool {
        command.load(ordering: .relaxed) != Command.run.rawValue
    }

    /// Whether the machine has ended or is about to.
    var isStopping: Bool {
        command.load(ordering: .acquiring) == Command.stop.rawValue
    }

    /// Whether the virtual CPUs wait at the barrier, or are on their way to it.
    var isPaused: Bool {
        command.load(ordering: .acquiring) == Command.pause.rawValue
    }

    /// Waits at the barrier while the machine is paused.
    ///
    /// - Returns: false if the machine stops and the calling thread has to end.
    func park() -> Bool {
        parking.update { $0.parked += 1 }
        return parking.wait { parking in
            let now = command.load(ordering: .sequentiallyConsistent)
            guard now != Command.pause.rawValue else { return nil }
            parking.parked -= 1
            return now == Command.run.rawValue
        }
    }

    /// A virtual CPU's thread ends, for whatever reason.
    func leave() {
        parking.update { $0.running -= 1 }
    }

    /// Stops all virtual CPUs at the barrier and returns when the last has reached it.
    ///
    /// - Parameter kick: gets every virtual CPU out of the kernel.
    /// - Returns: false if the machine stops meanwhile.
    func pause(kick: () -> Void) -> Bool {
        guard change(from: .run, to: .pause) || command.load(ordering: .relaxed) == Command.pause.rawValue
        else {
            return false
        }
        kick()
        return parking.wait { parking in
            if isStopping { return false }
            return parking.parked >= parking.running ? true : nil
        }
    }

    /// Lets paused virtual CPUs go on. Harmless if they run.
    func resume() {
        parking.update { _ in _ = change(from: .pause, to: .run) }
    }

    /// Makes every virtual CPU's thread end.
    func stop(kick: () -> Void) {
        parking.update { _ in command.store(Command.stop.rawValue, ordering: .sequentiallyConsistent) }
        kick()
    }

    private func change(from old: Command, to new: Command) -> Bool {
        command.compareExchange(
            expected: old.rawValue, desired: new.rawValue, ordering: .sequentiallyConsistent
        ).exchanged
    }
}

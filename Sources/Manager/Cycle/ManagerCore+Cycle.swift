internal import HostControl
internal import HostSystem
internal import Resources

// What the four stages do. On the loop's thread.
extension ManagerCore {
    /// Observe.
    func measure(at now: UInt64) -> Observation {
        var seen: [Observation.VM] = []
        seen.reserveCapacity(machines.count)
        for machine in machines.values {
            do {
                try machine.adopt(by: control)
                if let part = try machine.measure(at: now, processors: processorCount) { seen.append(part) }
            } catch {
                // Its end is told by its descriptor; a group that is gone is made again the next time.
                if case .ended = error { continue }
                if case .vanished = error { prepareAgain() }
                trouble(machine, error)
            }
        }
        measured = now
        return Observation(time: now, virtualMachines: seen)
    }

    /// Makes the group of all groups again: somebody has removed it, or another manager at its end.
    private func prepareAgain() {
        do { control = try CPUControl(capabilities) } catch {
            troubles.add("\(error)")
            return
        }
        // The new one has the usual weight.
        weighed = nil
        weighMachines()
    }

    /// Decide.
    func decide(_ observation: Observation) {
        let decision = fleet.decide(observation)
        history.add(decision)
        limits = PoolLimits(fleet.policy.entitlements, decision, before: limits).limits
    }

    /// Enforce, by the latest measurement.
    func enforce() {
        guard let decision = fleet.decision else { return }
        let wait = enforcement.run(decision, limits: limits, machines, at: measured) { machine, error in
            trouble(machine, error)
        }
        interval = wait
        setTimer()
    }

    private func trouble(_ machine: ManagedMachine, _ error: HostControlError) {
        let sentence = "\(machine.name): \(error)"
        troubles.add(sentence)
        guard machine.lastTrouble.map({ measured &- $0 >= Self.troubleInterval }) ?? true else { return }
        machine.lastTrouble = measured
        tell(sentence)
    }

    /// Nanoseconds between two lines on one machine's troubles. One that stays comes with every look.
    private static let troubleInterval: UInt64 = 60_000_000_000
}

internal import HostControl
internal import HostSystem
internal import Resources

// What the four stages do. On the loop's thread.
extension ManagerCore {
    /// Observe.
    func measure(at now: UInt64) -> Observation {
        seen.removeAll(keepingCapacity: true)
        for machine in inOrder {
            do {
                try machine.adopt(by: control)
                if let part = try machine.measure(at: now, processors: processors.count) { seen.append(part) }
                troubles.clear(.measuring(machine.name))
            } catch {
                // Its end is told by its descriptor; a group that is gone is made again the next time.
                if case .ended = error { continue }
                if case .vanished = error { prepareAgain() }
                trouble(.measuring(machine.name), machine, error)
            }
        }
        measured = now
        return Observation(time: now, virtualMachines: seen)
    }

    /// Makes the group of all groups again: somebody has removed it, or another manager at its end.
    private func prepareAgain() {
        do { control = try CPUControl(capabilities, parent: groupParent) } catch {
            return troubles.set(.groups, "\(error)")
        }
        troubles.clear(.groups)
        // The new one has the usual weight.
        weighed = nil
        weighMachines()
    }

    /// Decide.
    func decide(_ observation: Observation) {
        let decision = fleet.decide(observation)
        history.add(decision)
        if let entitlements = fleet.entitlements { limits.update(entitlements, decision) }
    }

    /// Enforce, by the latest measurement.
    func enforce() {
        guard let decision = fleet.decision else { return }
        let wait = enforcement.run(decision, limits: limits, inOrder, at: measured) { machine, error in
            guard let error else { return troubles.clear(.setting(machine.name)) }
            trouble(.setting(machine.name), machine, error)
        }
        interval = wait
        setTimer()
    }

    /// Follows the host: processors come and go, and so do limits of the groups the manager is in. What a host has is
    /// a fact and not a wish, so that reservations may not be met any more.
    func lookAtHost() {
        guard let hostCapacity else { return }
        let now: HostCapacity.Amount
        do throws(SystemError) { now = try hostCapacity.look() } catch {
            return troubles.set(.capacity, "what there is of the host is not known: \(error)")
        }
        troubles.clear(.capacity)
        let capacity = CPUAmount(clamping: Int64(clamping: now.capacity))
        guard now.processors != processors || capacity != fleet.policy.capacity else { return }
        tell("the host has \(capacity) CPUs for machines now, of processors \(now.processors)")
        fleet.setCapacity(capacity)
        if now.processors != processors {
            processors = now.processors
            // Who is held to one that is gone, or kept from one that has come, is let go.
            enforcement = Enforcement(mechanism: capabilities.mechanism, processors: processors)
            for machine in inOrder {
                do { try machine.letGo() } catch { trouble(.setting(machine.name), machine, error) }
            }
        }
        decideNow()
    }

    func trouble(_ subject: Troubles.Subject, _ machine: ManagedMachine, _ error: HostControlError) {
        let sentence = "\(machine.name): \(error)"
        troubles.set(subject, sentence)
        guard machine.lastTrouble.map({ measured &- $0 >= Self.troubleInterval }) ?? true else { return }
        machine.lastTrouble = measured
        tell(sentence)
    }

    /// Nanoseconds between two lines on one machine's troubles. One that stays comes with every look.
    private static let troubleInterval: UInt64 = 60_000_000_000
}

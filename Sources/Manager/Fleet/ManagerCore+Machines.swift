internal import HostControl
internal import HostSystem
internal import ManagerProtocol
internal import Resources
internal import Specification

// Machines come and go.
extension ManagerCore {
    /// Looks for machines that run and are not known: those of an earlier manager.
    func scan(at now: UInt64) {
        lastScan = now
        do throws(SystemError) {
            let found = try directory.machines { machines[$0]?.isRunning == true }
            for machine in found { takeOver(machine) }
            troubles.clear(.runDirectory)
        } catch {
            troubles.set(.runDirectory, "\(error)")
        }
        for machine in machines.values {
            do {
                try machine.lookAround()
                // Before that, it may be the process of who starts it.
                if machine.isRunning, let remark = machine.remark, remark != machine.toldRemark {
                    tell("\(machine.name): \(remark)")
                    machine.toldRemark = remark
                }
            } catch {
                // Its end is told by its descriptor.
                if case .ended = error { continue }
                trouble(.setting(machine.name), machine, error)
            }
        }
        guard mustSweep else { return }
        let kept = Set(machines.keys.map(groupName(of:)))
        do {
            try control.sweep(keeping: kept)
            mustSweep = try control.machines().contains { !kept.contains($0) }
            troubles.clear(.leftovers)
        } catch {
            troubles.set(.leftovers, "\(error)")
        }
    }

    private func takeOver(_ found: RunDirectoryScan.Found) {
        if let known = machines[found.name], known.process == found.process {
            known.isRunning = true
            return
        }
        let saved = savedState.machines.first { $0.name == found.name && $0.process == found.process }
        var registration = MachineRegistration(
            process: found.process, virtualCPUs: found.specification.cpus,
            cpu: saved?.cpu ?? found.specification.cpuAllocation,
            pool: saved?.pool ?? found.specification.pool)
        do { try checkMechanism(registration.cpu) } catch {
            troubles.set(
                .takeover(found.name), "\(found.name) was taken over without its limit: \(error)")
            registration.cpu = registration.cpu.withoutLimit
        }
        do {
            do {
                try register(found.name, registration, .running)
            } catch {
                // It runs, whatever its reservation and pool: then as one that has neither.
                troubles.set(
                    .takeover(found.name),
                    "\(found.name) was taken over without its pool and reservation: \(error)")
                registration.cpu = registration.cpu.withoutReservation
                registration.pool = .root
                try register(found.name, registration, .running)
            }
            machines[found.name]?.isRunning = true
            machines[found.name]?.mayBeHeld = true
            tell("took over \(found.name), process \(found.process)")
            decideNow()
        } catch {
            troubles.set(.takeover(found.name), "\(found.name): \(error)")
        }
    }

    /// How far a machine is when it is taken in.
    enum Arrival {
        /// It is about to start: what cannot be kept is refused.
        case starting
        /// It runs: then as well as can be.
        case running
    }

    /// Admits a machine, and takes its process in.
    func register(
        _ name: VMName, _ registration: MachineRegistration, _ arrival: Arrival = .starting
    ) throws(ManagerProblem) {
        let settings: VMSettings
        do {
            settings = try VMSettings(cpu: registration.cpu, virtualCPUs: registration.virtualCPUs)
        } catch {
            throw ManagerProblem(.invalid, "\(error)")
        }
        try checkMechanism(registration.cpu)
        let handle = try hold(registration.process)
        if let other = machines.values.first(where: { $0.process == registration.process && $0.name != name })
        {
            throw ManagerProblem(
                .exists, "process \(registration.process) is the machine '\(other.name)' already")
        }
        let old = machines[name]
        if let old, old.process != registration.process, isRunning(old) {
            throw ManagerProblem(
                .exists, "there is a running machine '\(name)' already, process \(old.process)")
        }
        let machine = ManagedMachine(
            name: name, group: groupName(of: name), handle: handle, process: registration.process,
            virtualCPUs: registration.virtualCPUs)
        try change(name, settings, registration.pool)
        if let old { letGo(old, keepingGroup: true) }
        machines[name] = machine
        do throws(SystemError) {
            machine.registration = try loop.watch(machine.endDescriptor, for: .readable) {
                [unowned self, process = machine.process] _ in
                ended(name, process)
            }
        } catch {
            remove(name)
            throw ManagerProblem(.failed, "\(error)")
        }
        // What fails is tried again with every look.
        do {
            try machine.adopt(by: control)
            _ = try machine.measure(at: HostClock.monotonicNanoseconds(), processors: processors.count)
        } catch {
            troubles.set(.measuring(name), "\(name): \(error)")
        }
        if case .starting = arrival {
            do { try checkReach(machine, registration.cpu) } catch {
                remove(name)
                throw error
            }
        }
        weighMachines()
        open()
        setTimer()
    }

    /// Refuses a reservation or a limit of a machine that is out of reach: who it is was not known before.
    private func checkReach(_ machine: ManagedMachine, _ cpu: CPUAllocation) throws(ManagerProblem) {
        guard machine.isLeftOut, cpu.limit != nil || cpu.reservation > .zero else { return }
        throw ManagerProblem(
            .invalid,
            "a reservation or a limit of the machine '\(machine.name)' cannot be kept: "
                + (machine.remark ?? "it is out of reach"))
    }

    /// Takes hold of a process, and refuses those that are not this user's to divide, whoever asks.
    private func hold(_ process: Int32) throws(ManagerProblem) -> OtherProcess {
        guard process != 1, process != HostProcess.identifier else {
            throw ManagerProblem(.invalid, "process \(process) is no machine")
        }
        guard let other = try? OtherProcess(process), let status = try? other.file("status"),
            // What was read was its own, if it has not ended since.
            !other.hasEnded
        else { throw ManagerProblem(.invalid, "there is no process \(process)") }
        let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
        // proc(5): the first of its users is the real one. The owner of /proc/PID can be root though it is not.
        let user = lines.first { $0.hasPrefix("Uid:") }?.split(separator: "\t").dropFirst().first
        guard HostProcess.user == 0 || user == "\(HostProcess.user)" else {
            throw ManagerProblem(.invalid, "process \(process) belongs to another user")
        }
        // Neither do threads of the kernel have memory of their own, nor those who have ended.
        guard lines.contains(where: { $0.hasPrefix("VmSize:") }) else {
            throw ManagerProblem(.invalid, "process \(process) runs no program")
        }
        return other
    }

    /// The name of a machine's group, among those of this run directory's.
    func groupName(of name: VMName) -> String { name.description }

    /// Whether a machine is more than announced: who announces one may do it for a process that follows.
    private func isRunning(_ machine: ManagedMachine) -> Bool {
        if !machine.isRunning {
            machine.isRunning = directory.process(of: machine.name) == machine.process
        }
        return machine.isRunning
    }

    /// Refuses a limit where nothing can keep it.
    func checkMechanism(_ cpu: CPUAllocation) throws(ManagerProblem) {
        guard cpu.limit != nil, !capabilities.mechanism.canLimit else { return }
        throw ManagerProblem(
            .invalid,
            "a limit cannot be kept here: CPUs are divided by \(capabilities.mechanism), which has none; "
                + "run roostd as root, or by a systemd unit with Delegate=cpu")
    }

    /// Enters a machine into the tree, or changes its entry; all or nothing.
    private func change(_ name: VMName, _ settings: VMSettings, _ pool: PoolPath) throws(ManagerProblem) {
        guard fleet.tree[name] != nil else {
            try fleet.apply(.addVM(VMEntry(name: name, pool: pool, settings: settings)))
            return
        }
        try fleet.change(name, to: settings, in: pool)
    }

    /// Changes a machine that is known; all or nothing.
    func changeMachine(_ name: VMName, _ wished: MachineChange) throws(ManagerProblem) {
        guard let entry = fleet.tree[name] else { throw Self.unknown(name) }
        let settings: VMSettings
        do {
            settings = try VMSettings(
                cpu: try wished.cpu.applied(to: entry.settings.cpu), virtualCPUs: entry.settings.virtualCPUs)
        } catch let problem as ManagerProblem {
            throw problem
        } catch {
            throw ManagerProblem(.invalid, "\(error)")
        }
        if case .some(.some) = wished.cpu.limit { try checkMechanism(settings.cpu) }
        if settings.cpu != entry.settings.cpu, let machine = machines[name] {
            try checkReach(machine, settings.cpu)
        }
        try change(name, settings, wished.pool ?? entry.pool)
        troubles.clear(.takeover(name))
    }

    static func unknown(_ name: VMName) -> ManagerProblem {
        ManagerProblem(.noSuchMachine, "the manager knows no machine '\(name)'")
    }

    private func ended(_ name: VMName, _ process: Int32) {
        // Another may have its name by now.
        guard machines[name]?.process == process else { return }
        remove(name)
        tell("\(name), process \(process), has ended")
        save()
        decideNow()
    }

    /// Forgets a machine, whether it has ended or was only announced.
    func remove(_ name: VMName) {
        guard let machine = machines.removeValue(forKey: name) else { return }
        letGo(machine, keepingGroup: false)
        do { try fleet.apply(.removeVM(name)) } catch { tell("\(error)") }
        troubles.clear(machine: name)
        weighMachines()
        if machines.isEmpty { setTimer() }
    }

    /// Gives all machines together the weight of as many ordinary processes as they have virtual CPUs.
    func weighMachines() {
        let virtualCPUs = machines.values.reduce(0) { $0 + $1.virtualCPUs }
        guard virtualCPUs != weighed else { return }
        weighed = virtualCPUs
        do {
            try control.setWeightOfAll(processors: virtualCPUs)
            troubles.clear(.weight)
        } catch {
            troubles.set(.weight, "the weight of all machines together: \(error)")
        }
    }

    private func letGo(_ machine: ManagedMachine, keepingGroup: Bool) {
        if let registration = machine.registration { loop.unwatch(registration) }
        machine.registration = nil
        guard !keepingGroup else { return }
        do {
            if try !machine.release() { mustSweep = true }
        } catch {
            mustSweep = true
            tell("\(machine.name): \(error)")
        }
    }

    /// Writes down what the next manager needs to know.
    func save() {
        var state = SavedState()
        state.pools = fleet.tree.pools
        state.machines = fleet.tree.virtualMachines.compactMap { vm in
            machines[vm.name].map {
                SavedState.Machine(
                    name: vm.name, process: $0.process, cpu: vm.settings.cpu, pool: vm.pool)
            }
        }
        guard state != savedState else { return }
        do {
            try state.write(to: file(ManagerFiles.state))
            savedState = state
            troubles.clear(.savedState)
        } catch {
            troubles.set(.savedState, "settings will not outlive this manager: \(error)")
        }
    }
}

extension CPUAllocation {
    /// The same shares and reservation alone.
    fileprivate var withoutLimit: CPUAllocation {
        (try? CPUAllocation(shares: shares, reservation: reservation)) ?? .normal
    }
}

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
        let directory = RunDirectoryScan(path: configuration.runDirectory)
        do throws(SystemError) {
            let found = try directory.machines { machines[$0]?.isRunning == true }
            for machine in found { takeOver(machine) }
        } catch {
            troubles.add("\(error)")
        }
        guard mustSweep else { return }
        let kept = Set(machines.keys.map(groupName(of:)))
        do {
            try control.sweep(keeping: kept)
            mustSweep = try control.machines().contains { isOurs($0) && !kept.contains($0) }
        } catch {
            troubles.add("\(error)")
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
            troubles.add("\(found.name) was taken over without its limit: \(error)")
            registration.cpu = registration.cpu.withoutLimit
        }
        do {
            do {
                try register(found.name, registration)
            } catch {
                // It runs, whatever its reservation and pool: then as one that has neither.
                troubles.add("\(found.name) was taken over without its pool and reservation: \(error)")
                registration.cpu = registration.cpu.withoutReservation
                registration.pool = .root
                try register(found.name, registration)
            }
            machines[found.name]?.isRunning = true
            machines[found.name]?.mayBeHeld = true
            tell("took over \(found.name), process \(found.process)")
            decideNow()
        } catch {
            troubles.add("\(found.name): \(error)")
        }
    }

    /// Admits a machine, and takes its process in.
    func register(_ name: VMName, _ registration: MachineRegistration) throws(ManagerProblem) {
        let settings: VMSettings
        do {
            settings = try VMSettings(cpu: registration.cpu, virtualCPUs: registration.virtualCPUs)
        } catch {
            throw ManagerProblem(.invalid, "\(error)")
        }
        try checkMechanism(registration.cpu)
        try checkProcess(registration.process)
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
        let machine: ManagedMachine
        do {
            machine = try ManagedMachine(
                name: name, group: groupName(of: name), process: registration.process,
                virtualCPUs: registration.virtualCPUs)
        } catch {
            throw ManagerProblem(.invalid, "there is no process \(registration.process)")
        }
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
            _ = try machine.measure(at: HostClock.monotonicNanoseconds(), processors: processorCount)
        } catch {
            troubles.add("\(name): \(error)")
        }
        weighMachines()
        open()
        setTimer()
    }

    /// Refuses processes that are not this user's to divide, whoever asks.
    private func checkProcess(_ process: Int32) throws(ManagerProblem) {
        guard process != 1, process != HostProcess.identifier else {
            throw ManagerProblem(.invalid, "process \(process) is no machine")
        }
        let status: [UInt8]
        do throws(SystemError) {
            let other = try OtherProcess(process)
            status = try other.file("status")
        } catch {
            throw ManagerProblem(.invalid, "there is no process \(process)")
        }
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
    }

    /// The name of a machine's group, which no other run directory's machine has: a host may have several
    /// managers, and the groups of all lie in one place.
    func groupName(of name: VMName) -> String { "\(name)\(groupSuffix)" }

    /// Whether a group is of this run directory.
    private func isOurs(_ group: String) -> Bool { group.hasSuffix(groupSuffix) }

    /// Whether a machine is more than announced: who announces one may do it for a process that follows.
    private func isRunning(_ machine: ManagedMachine) -> Bool {
        if !machine.isRunning {
            machine.isRunning =
                RunDirectoryScan(path: configuration.runDirectory).process(of: machine.name)
                == machine.process
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
        try change(name, settings, wished.pool ?? entry.pool)
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
        do { try fleet.apply(.removeVM(name)) } catch { troubles.add("\(error)") }
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
        } catch {
            troubles.add("the weight of all machines together: \(error)")
        }
    }

    private func letGo(_ machine: ManagedMachine, keepingGroup: Bool) {
        if let registration = machine.registration { loop.unwatch(registration) }
        machine.registration = nil
        guard !keepingGroup else { return }
        do {
            if try !machine.release() { mustSweep = true }
        } catch {
            troubles.add("\(machine.name): \(error)")
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
        } catch {
            troubles.add("settings will not outlive this manager: \(error)")
        }
    }
}

extension CPUAllocation {
    /// The same shares and reservation alone.
    fileprivate var withoutLimit: CPUAllocation {
        (try? CPUAllocation(shares: shares, reservation: reservation)) ?? .normal
    }
}

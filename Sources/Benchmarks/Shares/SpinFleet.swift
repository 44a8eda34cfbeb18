internal import Glibc
internal import HostControl
internal import HostSystem
internal import Stats

/// Machines that count as fast as they can, under `roost run`, with a manager of their own or without one.
///
/// Their counters are read in their memory, from outside: a guest that printed would spend a hundredth of a small
/// share on it.
final class SpinFleet {
    /// How a fleet's machines are divided.
    enum Division {
        /// By the manager.
        case managed
        /// By a manager that has nice values alone.
        case niceValues
        /// By the kernel alone: groups with `cpu.shares` or `cpu.weight` in the given proportion.
        case weights

        /// Whether there is a manager.
        var isManaged: Bool { self != .weights }
    }

    private struct Machine {
        let name: String
        let process: Int32
        let memory: OwnedDescriptorBox
        let address: UInt64
        let cpus: Int
    }

    private let roost: String
    private let guest: String
    private let directory: FleetDirectory
    private let processors: String
    private let division: Division
    private let counters: UInt64
    private var machines: [Machine] = []
    private var control: CPUControl?
    private var groups: [PlainGroup] = []

    /// A group with a weight of its own; a class, because arrays hold nothing that cannot be copied.
    private final class PlainGroup {
        var group: ControlledGroup
        init(_ group: consuming ControlledGroup) { self.group = group }
    }

    /// Bytes between two virtual CPUs' counters in guests/programs/spin.c.
    private static let counterStride: UInt64 = 128

    /// - Parameter processors: the host CPUs for machines and manager, as taskset(1) has them: `1` or `0,1`.
    init(_ options: Options, processors: String, division: Division = .managed) throws {
        roost = try options.existing(
            options.text("roost") ?? ".build/release/roost", advice: "scripts/experiments builds it")
        guest = try options.guest("spin")
        self.processors = processors
        self.division = division
        guard let address = try SymbolTable(guest).address(of: "counters") else {
            throw BenchmarkError.unavailable("\(guest) has no symbol 'counters'")
        }
        counters = address
        directory = try FleetDirectory(roost: roost)
        switch division {
        case .managed: break
        case .niceValues: try startManager(options)
        case .weights:
            let found = HostCapabilities.discover(choice: .groups)
            guard found.mechanism.weights != nil else {
                throw BenchmarkError.unavailable(found.remarks.joined(separator: "; "))
            }
            control = try CPUControl(found, parent: directory.name)
        }
    }

    deinit {
        end()
    }

    /// Ends all machines and the manager, and removes what they left.
    func end() {
        machines = []
        directory.clear()
        groups = []
        if let control = control.take() {
            // Nobody is left to be told, and the next experiment looks again.
            _ = try? control.sweep()
            try? control.end()
        }
    }

    /// The manager's process; nil if there is none.
    func managerProcess() throws -> pid_t? {
        division.isManaged ? directory.manager : nil
    }

    /// Starts a manager that divides by nice values, and waits until it listens. The other comes with the first
    /// machine.
    private func startManager(_ options: Options) throws {
        let beside = roost.split(separator: "/", omittingEmptySubsequences: false).dropLast().map(String.init)
        let roostd = try options.existing(
            options.text("roostd") ?? (beside + ["roostd"]).joined(separator: "/"),
            advice: "scripts/experiments builds it")
        // It keeps its standard output: nobody waits for the end of that.
        var child = try ChildProcess(
            Command(words: [
                "/usr/bin/taskset", "-c", processors, roostd, "--run-directory", directory.path,
                "--mechanism",
                "nice", "--background",
            ]))
        guard try child.reap().status == 0 else {
            throw BenchmarkError.contestant("roostd", "cannot divide by nice values here")
        }
        let deadline = HostClock.monotonicNanoseconds() + 20_000_000_000
        while directory.manager == nil {
            guard HostClock.monotonicNanoseconds() < deadline else {
                throw BenchmarkError.contestant("roostd", "does not listen")
            }
            usleep(10_000)
        }
    }

    /// Starts a machine, and returns when it counts.
    func start(_ name: String, cpus: Int = 1, flags: [String] = [], weight: Int = 1024) throws {
        var words = ["run", "-d", guest, "--name", name, "--cpus", "\(cpus)", "--memory", "16M"]
        words += ["--cmdline", "interval=1000000000 cpus=\(cpus)", "--console", "none"]
        words += division.isManaged ? flags : ["--unmanaged"]
        try run(words)
        var observer = try MachineObserver(page: "\(directory.path)/\(name)/stats")
        let page = try observer.page()
        guard let base = page["machine"]?["memory.address"] else {
            throw BenchmarkError.contestant(name, "does not say where its memory is")
        }
        let memory = try OwnedDescriptor.open("/proc/\(page.process)/mem", O_RDONLY)
        machines.append(
            Machine(
                name: name, process: page.process, memory: OwnedDescriptorBox(memory),
                address: base + counters,
                cpus: cpus))
        if division == .weights { try group(name, page.process, weight) }
        let deadline = HostClock.monotonicNanoseconds() + 20_000_000_000
        while try count(machines[machines.count - 1]) == 0 {
            guard HostClock.monotonicNanoseconds() < deadline else {
                throw BenchmarkError.contestant(name, "does not count")
            }
            usleep(10_000)
        }
    }

    /// Runs `roost` on this fleet.
    @discardableResult
    func run(_ words: String...) throws -> String { try run(words) }

    @discardableResult
    func run(_ words: [String]) throws -> String {
        // Elsewhere nobody divides CPUs while machines are measured; here that is what is measured.
        let environment = [
            "ROOST_RUN_DIR=\(directory.path)", "ROOST_UNMANAGED=\(division.isManaged ? "" : "1")",
        ]
        return try output(
            ["/usr/bin/taskset", "-c", processors, "/usr/bin/env"] + environment + [roost] + words)
    }

    private func output(_ words: String...) throws -> String { try output(words) }

    private func output(_ words: [String]) throws -> String {
        var child = try ChildProcess(Command(words: words))
        let text = try DescriptorIO.readAll(child.output.number, limit: 1 << 20)
        let end = try child.reap()
        guard end.status == 0 else {
            throw BenchmarkError.contestant(words.joined(separator: " "), "ended with \(end.status)")
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What a plain group gives: the comparison.
    private func group(_ name: String, _ process: Int32, _ weight: Int) throws {
        guard let group = try control?.adopt(machine: name, process: process) else { return }
        let plain = PlainGroup(group)
        try plain.group.apply(CPUSettings(weight: weight))
        groups.append(plain)
    }

    /// The counts of all machines now, each over all its virtual CPUs.
    func counts() throws -> [Double] {
        try machines.map { Double(try count($0)) }
    }

    /// The processor time of all machines until now, in nanoseconds.
    func times() throws -> [Double] {
        try machines.map { Double(try ThreadScheduling.processorTime(ofProcess: $0.process)) }
    }

    private func count(_ machine: Machine) throws -> UInt64 {
        var sum: UInt64 = 0
        for cpu in 0..<UInt64(machine.cpus) {
            let bytes = try DescriptorIO.read(
                machine.memory.descriptor.number, at: Int(machine.address + cpu * Self.counterStride),
                limit: 8,
                operation: "read the counter of \(machine.name)")
            sum &+= bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        return sum
    }
}

/// A descriptor in an array.
final class OwnedDescriptorBox {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}

internal import Glibc
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
        /// By the kernel alone: groups with `cpu.shares` or `cpu.weight` in the given proportion.
        case weights
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
    private let directory: String
    private let processors: String
    private let division: Division
    private let counters: UInt64
    private var machines: [Machine] = []
    private var groups: [String] = []

    /// Bytes between two virtual CPUs' counters in guests/programs/spin.c.
    private static let counterStride: UInt64 = 128

    /// - Parameter processors: the host CPUs for machines and manager, as taskset(1) has them: `1` or `0,1`.
    init(_ options: Options, processors: String, division: Division = .managed) throws {
        roost = try options.existing(
            options.text("roost") ?? ".build/release/roost", advice: "scripts/experiments builds it")
        guest = try options.guest("spin")
        directory = "/tmp/roost-experiment-\(HostProcess.identifier)"
        self.processors = processors
        self.division = division
        guard let address = try SymbolTable(guest).address(of: "counters") else {
            throw BenchmarkError.unavailable("\(guest) has no symbol 'counters'")
        }
        counters = address
        try FileTree.makePrivateDirectory(directory)
    }

    deinit {
        end()
    }

    /// Ends all machines and the manager.
    func end() {
        for machine in machines { _ = try? run("kill", machine.name) }
        machines = []
        if let process = try? managerProcess() { kill(process, SIGTERM) }
        for group in groups { FileTree.removeDirectory(group) }
        groups = []
    }

    /// The manager's process; nil if there is none.
    func managerProcess() throws -> pid_t? {
        guard division == .managed else { return nil }
        let connection = try LocalSocket.connect(to: "\(directory)/roostd.sock")
        // unix(7), SO_PEERCRED: process, user and group of who listens.
        var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        // SAFETY: both are ours, and as large as they are said to be.
        let result = unsafe getsockopt(connection.number, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        return result == 0 && credentials.0 > 0 ? credentials.0 : nil
    }

    /// Starts a machine, and returns when it counts.
    func start(_ name: String, cpus: Int = 1, flags: [String] = [], weight: Int = 1024) throws {
        var words = ["run", "-d", guest, "--name", name, "--cpus", "\(cpus)", "--memory", "16M"]
        words += ["--cmdline", "interval=1000000000 cpus=\(cpus)", "--console", "none"]
        words += division == .managed ? flags : ["--unmanaged"]
        try run(words)
        var observer = try MachineObserver(page: "\(directory)/\(name)/stats")
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
            "ROOST_RUN_DIR=\(directory)", "ROOST_UNMANAGED=\(division == .managed ? "" : "1")",
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
        let isUnified = FileTree.isWritableDirectory("/sys/fs/cgroup/cpu") == false
        let parent = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"
        let group = "\(parent)/roost-experiment-\(name)"
        try FileTree.makePrivateDirectory(group)
        groups.append(group)
        let file = isUnified ? "cpu.weight" : "cpu.shares"
        try Self.write("\(weight)", to: "\(group)/\(file)")
        try Self.write("\(process)", to: "\(group)/cgroup.procs")
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try OwnedDescriptor.open(path, O_WRONLY)
        try DescriptorIO.writeAll(file.number, Array(text.utf8), operation: "write \(path)")
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

internal import Glibc
internal import HostSystem
internal import JSONText

/// What a contestant is to boot.
struct Workload {
    var kernel: String
    var initrd: String?
    var commandLine = ""
    var memoryMiB: Int
    var devices: [WorkloadDevice] = []
    /// More of the specification, for `roost-vmm` alone.
    var specification: [JSONMember] = []
    /// For Roost.
    var hasHugePages = false
}

/// A virtual machine monitor that takes part.
struct Contestant {
    /// Its name in tables and figures.
    let name: String
    /// The command that boots a workload; the name is one no other machine has.
    let command: (Workload, _ machineName: String) -> Command

    /// The one the others are compared with.
    static let baseline = "raw"
    static let worker = "roost-vmm"
    static let commandLineTool = "roost-run"

    /// Those that are there, in the order of the tables.
    static func all(_ options: Options) throws(BenchmarkError) -> [Contestant] {
        let directory = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
            .dropLast().joined(separator: "/")
        let raw = options.text("raw") ?? ".build/bench/raw"
        let worker = options.text("roost-vmm") ?? "\(directory)/roost-vmm"
        let tool = options.text("roost") ?? "\(directory)/roost"
        let qemu = options.text("qemu") ?? "/usr/bin/qemu-system-x86_64"
        var all: [(String, Contestant)] = [
            (raw, Contestant(name: baseline) { makeRaw(raw, [], $0) }),
            (raw, Contestant(name: "raw-no-irqchip") { work, _ in makeRaw(raw, ["--no-irqchip"], work) }),
            (worker, Contestant(name: Self.worker) { makeWorker(worker, $0, $1) }),
            (tool, Contestant(name: commandLineTool) { makeTool(tool, $0, $1) }),
            (qemu, Contestant(name: "qemu-microvm") { work, _ in makeQEMU(qemu, "microvm", work) }),
            (
                qemu,
                Contestant(name: "qemu-options-off") { work, _ in
                    makeQEMU(
                        qemu, "microvm,pit=off,pic=off,rtc=off,x-option-roms=off,auto-kernel-cmdline=off",
                        work)
                }
            ),
        ]
        for text in options.extraContestants {
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw .usage("--contestant needs NAME=COMMAND, not '\(text)'") }
            let words = parts[1].split(separator: " ").map(String.init)
            all.append((words[0], Contestant(name: String(parts[0])) { _, _ in Command(words: words) }))
        }
        let wanted = options.text("only")?.split(separator: ",").map(String.init)
        return all.compactMap { program, contestant in
            if let wanted, !wanted.contains(contestant.name) { return nil }
            // SAFETY: a C string for the length of the call.
            guard unsafe access(program, X_OK) == 0 else {
                print("  (\(contestant.name) is left out: there is no \(program))")
                return nil
            }
            return contestant
        }
    }
}

extension Contestant {
    private init(name: String, _ command: @escaping (Workload) -> Command) {
        self.init(name: name) { work, _ in command(work) }
    }

    private static func makeRaw(_ program: String, _ options: [String], _ work: Workload) -> Command {
        let words = ["--memory", "\(work.memoryMiB)", "--cmdline", work.commandLine, work.kernel]
        return Command(words: [program] + options + words)
    }

    private static func makeWorker(_ program: String, _ work: Workload, _ name: String) -> Command {
        var specification: [JSONMember] = [
            JSONMember("version", 1), JSONMember("name", .string(name)),
            JSONMember("kernel", .string(work.kernel)), JSONMember("commandLine", .string(work.commandLine)),
            JSONMember("memory", .string("\(work.memoryMiB)M")), JSONMember("logLevel", "error"),
        ]
        if let initrd = work.initrd { specification.append(JSONMember("initrd", .string(initrd))) }
        if work.hasHugePages { specification.append(JSONMember("hugePages", .boolean(true))) }
        specification += WorkloadDevice.specification(of: work.devices) + work.specification
        return Command(
            words: [program, "--name", name, "--spec-fd", "3"],
            specification: JSONValue.object(specification).text())
    }

    private static func makeTool(_ program: String, _ work: Workload, _ name: String) -> Command {
        var words = [
            program, "run", work.kernel, "--memory", "\(work.memoryMiB)M", "--name", name, "--log-level",
            "error",
        ]
        if !work.commandLine.isEmpty { words += ["--cmdline", work.commandLine] }
        if let initrd = work.initrd { words += ["--initrd", initrd] }
        if work.hasHugePages { words.append("--huge-pages") }
        return Command(words: words + work.devices.flatMap(\.roostWords))
    }

    private static func makeQEMU(_ program: String, _ machine: String, _ work: Workload) -> Command {
        // Without the clock stock Linux waits a second for it.
        let machine = work.initrd == nil ? machine : "\(machine),rtc=on"
        var words = [
            program, "-M", machine, "-enable-kvm",
            // With ARCH_CAPABILITIES QEMU 7.2 aborts on hosts that refuse to set that MSR.
            "-cpu", "host,-arch-capabilities", "-m", "\(work.memoryMiB)", "-nodefaults", "-no-user-config",
            "-no-reboot", "-display", "none", "-serial", "stdio", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4",
            "-kernel", work.kernel,
        ]
        if !work.commandLine.isEmpty { words += ["-append", work.commandLine] }
        if let initrd = work.initrd { words += ["-initrd", initrd] }
        if !work.devices.isEmpty { words += ["-global", "virtio-mmio.force-legacy=false"] }
        return Command(words: words + work.devices.flatMap(\.qemuWords))
    }

    /// Whether an exit status says that the guest ended with 0. QEMU's debug exit makes 1 of it.
    func isSuccess(_ status: Int32) -> Bool {
        status == 0 || name.hasPrefix("qemu") && status == 1
    }

    /// What ends it: a polite signal for Roost, which cleans up then; QEMU would print that it came.
    var stopSignal: Int32 { name.hasPrefix("roost") ? SIGTERM : SIGKILL }

    /// A name no other machine has.
    static func machineName(_ number: Int) -> String { "bench-\(getpid())-\(number)" }
}

internal import Glibc
internal import HostControl
internal import HostSystem
internal import KVM

/// What `roost host` found out, before it is put into words or JSON.
struct HostFacts {
    let kvm: KVMFacts
    let processor: ProcessorFacts
    let memory: MemoryFacts
    let controlGroups: ControlGroupFacts
    /// How a manager that this user started here would divide the processors, and why not better.
    let division: HostCapabilities
    let disks: DiskFacts
    let openFiles: ProcessLimit?
    let lockedMemory: ProcessLimit?

    /// Looks at this host. It changes nothing.
    static func gather() -> HostFacts {
        let limits = InputFile.readSystemFile("/proc/self/limits") ?? ""
        return HostFacts(
            kvm: .gather(),
            processor: ProcessorFacts(text: InputFile.readSystemFile("/proc/cpuinfo") ?? ""),
            memory: MemoryFacts(text: InputFile.readSystemFile("/proc/meminfo") ?? ""),
            controlGroups: .gather(),
            division: .discover(),
            disks: .gather(),
            openFiles: ProcessLimit(named: "Max open files", in: limits),
            lockedMemory: ProcessLimit(named: "Max locked memory", in: limits))
    }
}

/// The kernel's KVM.
struct KVMFacts {
    /// The module that does the work.
    enum Kind: String, CaseIterable {
        /// Intel's VT-x.
        case intel = "kvm_intel"
        /// AMD's SVM.
        case amd = "kvm_amd"
        /// No virtualisation in hardware: guest ring 0 is emulated.
        case pvm = "kvm_pvm"
    }

    /// Why it is of no use to Roost; nil if it can be used.
    let problem: KVMError?
    /// What it can do; nil if it cannot be asked.
    let capabilities: CapabilitySet?
    /// nil if no known module is loaded.
    let kind: Kind?
    /// Whether guests may be hypervisors themselves; nil if unknown.
    let nested: Bool?

    static func gather() -> KVMFacts {
        let kind = Kind.allCases.first { directoryExists("/sys/module/\($0.rawValue)") }
        let nested = kind.flatMap { InputFile.readSystemFile("/sys/module/\($0.rawValue)/parameters/nested") }
            .map { $0.hasPrefix("Y") || $0.hasPrefix("1") }
        do throws(KVMError) {
            let capabilities = try Hypervisor.openUnchecked().capabilities()
            let missing = capabilities.missing
            return KVMFacts(
                problem: missing.isEmpty ? nil : .missing(missing), capabilities: capabilities,
                kind: kind, nested: nested)
        } catch {
            return KVMFacts(problem: error, capabilities: nil, kind: kind, nested: nested)
        }
    }

    private static func directoryExists(_ path: String) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        unsafe access(path, F_OK) == 0
    }

    /// Whether an unchanged Linux kernel boots as a guest here.
    var runsStockLinux: Bool { problem == nil && kind != .pvm }
}

/// How disks are served here.
struct DiskFacts {
    /// Why there is no io_uring for this user; nil if there is.
    let ringProblem: String?

    static func gather() -> DiskFacts {
        guard let error = IORing.unavailability() else { return DiskFacts(ringProblem: nil) }
        let setting = InputFile.readSystemFile("/proc/sys/kernel/io_uring_disabled")
            .map { String($0.prefix { $0 != "\n" }) }
        switch (error.number, setting) {
        case (EPERM, "1"):
            return DiskFacts(ringProblem: "kernel.io_uring_disabled is 1: only privileged processes have it")
        case (EPERM, "2"):
            return DiskFacts(ringProblem: "kernel.io_uring_disabled is 2: nobody has it")
        case (EPERM, _):
            return DiskFacts(ringProblem: "a filter of system calls forbids it, as those of containers do")
        case (ENOSYS, _):
            return DiskFacts(ringProblem: "the kernel is older than 5.6, or was built without it")
        default:
            return DiskFacts(ringProblem: error.description)
        }
    }

    /// The engine a disk gets that asks for none, as `engine=` names it.
    var engine: String { ringProblem == nil ? "uring" : "threads" }
}

/// A line of /proc/self/limits.
struct ProcessLimit {
    /// What holds now; nil for no limit.
    let now: UInt64?
    /// What it may be raised to without privilege; nil for no limit.
    let most: UInt64?

    init?(named name: String, in text: String) {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        let words = line.dropFirst(name.count).split(separator: " ")
        guard words.count >= 2 else { return nil }
        now = UInt64(words[0])
        most = UInt64(words[1])
    }
}

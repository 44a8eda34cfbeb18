internal import Specification

/// What /proc/cpuinfo says.
struct ProcessorFacts {
    let vendor: String?
    let model: String?
    /// Processors that are online.
    let count: Int
    /// `vmx` for VT-x, `svm` for SVM; nil if the processor shows neither.
    let virtualisation: String?
    /// Whether this host is a virtual machine itself.
    let isGuest: Bool

    init(text: String) {
        var vendor: String?
        var model: String?
        var flags: Set<Substring> = []
        var count = 0
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard let key = parts.first?.split(whereSeparator: { $0 == "\t" }).first else { continue }
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            switch key {
            case "processor": count += 1
            case "vendor_id": vendor = String(value)
            case "model name": model = String(value)
            case "flags" where flags.isEmpty: flags = Set(value.split(separator: " "))
            default: break
            }
        }
        self.vendor = vendor
        self.model = model
        self.count = count
        virtualisation = ["vmx", "svm"].first { flags.contains($0[...]) }
        isGuest = flags.contains("hypervisor")
    }
}

/// What /proc/meminfo says.
struct MemoryFacts {
    let total: ByteSize?
    /// What new programs could have without pushing others to swap.
    let available: ByteSize?
    let swap: ByteSize?
    let hugePageSize: ByteSize?
    let freeHugePages: UInt64?

    init(text: String) {
        var values: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let value = UInt64(words[1]) else { continue }
            values[words[0]] = value
        }
        func size(_ key: Substring) -> ByteSize? {
            values[key].map { ByteSize(bytes: $0 << 10) }
        }
        total = size("MemTotal:")
        available = size("MemAvailable:")
        swap = size("SwapTotal:")
        hugePageSize = size("Hugepagesize:")
        freeHugePages = values["HugePages_Free:"]
    }
}

/// The control groups, by which a host is divided among machines.
struct ControlGroupFacts {
    /// 2, or 1 for the old hierarchies (mixed ones too); nil for none.
    let version: Int?
    /// What can be controlled, sorted.
    let controllers: [String]

    static func gather() -> ControlGroupFacts {
        if let text = InputFile.readSystemFile("/sys/fs/cgroup/cgroup.controllers") {
            let names = text.split { $0 == " " || $0 == "\n" }.map(String.init)
            return ControlGroupFacts(version: 2, controllers: names.sorted())
        }
        // The mount's options name the controllers of a hierarchy of version 1.
        let known = ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "pids"]
        var names: Set<String> = []
        for line in (InputFile.readSystemFile("/proc/self/mounts") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 4, words[2] == "cgroup" else { continue }
            names.formUnion(words[3].split(separator: ",").map(String.init).filter(known.contains))
        }
        return ControlGroupFacts(version: names.isEmpty ? nil : 1, controllers: names.sorted())
    }
}

public import Resources

/// A machine as somebody wishes it: a value, whose ranges are checked once, before a machine is made.
///
/// docs/machine-spec.md describes the fields and their JSON for users.
public struct MachineSpec: Equatable, Sendable {
    /// The version of the JSON form that is read and written here.
    public static let formatVersion = 1

    /// The machine's name, unique among the running ones: see `nameForm`.
    public var name: String
    /// The kernel's path, relative to the directory Roost was started in.
    public var kernel: String
    /// The initial RAM disk's path; nil for none.
    public var initrd: String?
    /// The kernel's command line. How long it may be is the kernel's matter.
    public var commandLine = ""
    /// How the kernel is entered.
    public var bootProtocol = BootProtocol.automatic
    /// The number of virtual CPUs, in `cpusRange`. What KVM allows may be less.
    public var cpus = 1
    /// The guest's memory, in `memoryRange`, a multiple of `memoryGranularity`.
    public var memory = ByteSize.mebibytes(256)
    /// Whether the kernel is asked to back the memory with huge pages.
    public var hugePages = false
    /// Where the first serial port goes.
    public var console = ConsoleSpec.stdio
    /// The key that the console takes for itself on a terminal.
    public var escapeKey = EscapeKey.standard
    /// How much is told on standard error.
    public var logLevel = LogLevel.warning
    /// How many seconds a guest has after the ACPI power button before it is stopped, in `graceRange`.
    public var graceSeconds = 10
    /// The directory where running machines are listed; nil for the usual one.
    public var runDirectory: String?
    /// The disks, in the order in which the guest finds them.
    public var disks: [DiskSpec] = []
    /// The network cards, in the order in which the guest finds them.
    public var nets: [NetSpec] = []
    /// The socket between guest and host; nil for none.
    public var vsock: VsockSpec?
    /// The balloon; nil for none.
    public var balloon: BalloonSpec?
    /// The source of random numbers; nil for none.
    public var rng: EntropySpec?
    /// Where the virtio console goes; nil for a machine without one.
    public var virtioConsole: ConsoleSpec?
    /// The number of threads that serve the virtio devices, in `ioThreadsRange`.
    public var ioThreads = 1
    /// What it may have of the host's CPUs.
    public var cpuAllocation = CPUAllocation.normal
    /// The resource pool it runs in.
    public var pool = PoolPath.root
    /// Whether the resource manager looks after it.
    public var isManaged = true

    /// A machine with a name and a kernel, and everything else at its default.
    public init(name: String, kernel: String) {
        self.name = name
        self.kernel = kernel
    }

    /// 1 to 255.
    public static let cpusRange = 1...255
    /// 1 MiB to 1 TiB.
    public static let memoryRange = ByteSize.mebibytes(1)...ByteSize.gibibytes(1024)
    /// 4 KiB.
    public static let memoryGranularity = ByteSize.kibibytes(4)
    /// 0 to 3600 seconds.
    public static let graceRange = 0...3600
    /// 1 to 64.
    public static let ioThreadsRange = 1...64
    /// The longest path in bytes that Linux takes, without the zero at its end.
    public static let longestPath = 4095
    /// What a name may be, for messages.
    public static let nameForm =
        "1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -, and not beginning with roostd."
}

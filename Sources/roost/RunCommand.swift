internal import ArgumentParser
internal import JSONText
internal import Specification

/// `roost run`: makes a specification of flags and files, and becomes the worker that runs it.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Boots a kernel in a new virtual machine.",
        discussion: """
            The process becomes the machine: it ends when the guest ends, with the guest's exit code. \
            On a terminal, Ctrl-A x stops the machine and Ctrl-A c shows what else there is.

            With -d it runs in the background: the name is printed when the guest runs, and 'roost \
            attach', 'roost logs', 'roost stop' and 'roost wait' do the rest.

            Flags go before the fields of --spec. Memory sizes are digits and K, M, G or T (binary).

            EXAMPLES
              roost run .build/guests/hello.elf
              roost run vmlinuz -i initrd.img -c 2 -m 512M --cmdline console=ttyS0
              roost run vmlinuz --name web1 --console file=web1.log
              roost run vmlinuz --memory 1G --print-spec > web.json
              roost run --spec web.json --name web2
              roost run -d vmlinuz --name web3 --cmdline console=ttyS0
              roost run vmlinuz --disk root.img --disk data.img,readonly=on --cmdline root=/dev/vda
              roost run vmlinuz --cpu-shares high --cpu-reservation 50% --cpu-limit 150% --pool web
              roost run vmlinuz --net tap0,mac=02:00:5e:10:00:01 --vsock web1.sock --balloon --rng

            Device options are lists, KEY=VALUE,KEY=VALUE; a comma in a value is written twice. The guest \
            finds disks as they are given (vda, vdb …), then network cards (eth0 …), vsock, balloon, rng \
            and virtio console. docs/command-line.md has all keys.
            """)

    @Argument(
        help: ArgumentHelp("The kernel: an ELF image or a bzImage.", valueName: "KERNEL"),
        completion: .file())
    var kernel: String?

    @Option(name: .shortAndLong, help: .init("Virtual CPUs, 1 to 255. (default: 1)", valueName: "N"))
    var cpus: Int?

    @Option(
        name: .shortAndLong,
        help: .init("Memory, such as 64M or 2G, in steps of 4K. (default: 256M)", valueName: "SIZE"),
        transform: { try Wording.parse($0, ByteSize.form) { ByteSize($0) } })
    var memory: ByteSize?

    @Option(
        name: .shortAndLong, help: .init("The initial RAM disk.", valueName: "FILE"), completion: .file())
    var initrd: String?

    @Option(
        parsing: .unconditional,
        help: .init("The kernel's command line, as it is. (default: empty)", valueName: "TEXT"))
    var cmdline: String?

    @Option(
        name: .shortAndLong,
        help: .init("The machine's name. (default: the kernel's and a random end)", valueName: "NAME"))
    var name: String?

    @Option(
        help: .init(
            "Where the serial port goes: stdio, none, file=PATH, pty or socket. (default: stdio)",
            valueName: "WHERE"),
        completion: .list(["stdio", "none", "file=", "pty", "socket"]),
        transform: { try Wording.parse($0, ConsoleSpec.form) { ConsoleSpec($0) } })
    var console: ConsoleSpec?

    @Option(
        help: .init(
            "The console's own key on a terminal: ctrl-a to ctrl-z, or none. (default: ctrl-a)",
            valueName: "KEY"),
        transform: { try Wording.parse($0, EscapeKey.form) { EscapeKey($0) } })
    var escape: EscapeKey?

    @Option(
        help: .init(
            "How the kernel is entered: automatic, pvh or linux64. (default: automatic)",
            valueName: "PROTOCOL"),
        completion: .list(BootProtocol.allCases.map(\.rawValue)),
        transform: { try Wording.parse($0, BootProtocol.form) { BootProtocol(rawValue: $0) } })
    var bootProtocol: BootProtocol?

    @Flag(
        inversion: .prefixedNo,
        help: "Ask the host to back memory with huge pages. (default: --no-huge-pages)")
    var hugePages: Bool?

    @Option(
        help: .init(
            "How long the guest has after SIGTERM's power button, 0 to 3600. (default: 10)",
            valueName: "SECONDS"))
    var grace: Int?

    @Option(
        help: .init(
            "What is told on stderr: error, warning, info, debug or trace. (default: warning)",
            valueName: "LEVEL"),
        completion: .list(LogLevel.allCases.map(\.rawValue)),
        transform: { try Wording.parse($0, LogLevel.form) { LogLevel(rawValue: $0) } })
    var logLevel: LogLevel?

    @Option(
        help: .init(
            "Where running machines are listed. (default: $ROOST_RUN_DIR, else the user's own)",
            valueName: "DIRECTORY"),
        completion: .directory)
    var runDirectory: String?

    @Option(
        help: .init(
            "A disk, many times: path=disk.img,readonly=on,direct=on,iops=500,bps=50M.", valueName: "DISK"),
        completion: .file(),
        transform: { try Wording.device(.disk, $0) })
    var disk: [JSONValue] = []

    @Option(
        help: .init(
            "A network card, many times: tap=tap0,mac=02:00:5e:10:00:01,rx-bps=10M.", valueName: "NET"),
        transform: { try Wording.device(.net, $0) })
    var net: [JSONValue] = []

    @Option(
        help: .init("A socket to the guest: path=web1.sock,cid=3.", valueName: "VSOCK"),
        completion: .file(),
        transform: { try Wording.device(.vsock, $0) })
    var vsock: JSONValue?

    @Option(
        help: .init(
            "A memory balloon; alone, or size=64M,deflate-on-oom=off,stats-interval=5s.",
            valueName: "BALLOON"),
        transform: { try Wording.device(.balloon, $0) })
    var balloon: JSONValue?

    @Option(
        help: .init(
            "A source of random numbers; alone, or source=/dev/urandom,bps=64K.", valueName: "RNG"),
        transform: { try Wording.device(.rng, $0) })
    var rng: JSONValue?

    @Option(
        help: .init(
            "Adds a virtio console, hvc0: stdio (the serial port then goes nowhere), none, file=PATH or pty.",
            valueName: "WHERE"),
        completion: .list(["stdio", "none", "file=", "pty"]),
        transform: { try Wording.parse($0, ConsoleSpec.form) { ConsoleSpec($0) } })
    var virtioConsole: ConsoleSpec?

    @Option(help: .init("Threads that serve virtio devices, 1 to 64. (default: 1)", valueName: "N"))
    var ioThreads: Int?

    @Option(
        help: .init(
            "The right to CPU when there is not enough: low, normal, high, or 1 to 1000000. (default: normal, 1000 a virtual CPU)",
            valueName: "SHARES"),
        completion: .list(["low", "normal", "high"]))
    var cpuShares: String?

    @Option(
        help: .init(
            "CPU it can count on: 50%, 0.5 or 500m of one CPU. (default: none)", valueName: "AMOUNT"))
    var cpuReservation: String?

    @Option(help: .init("CPU it never exceeds, such as 150%. (default: none)", valueName: "AMOUNT"))
    var cpuLimit: String?

    @Option(
        help: .init("The resource pool it runs in, such as web/frontend. (default: /)", valueName: "POOL"))
    var pool: String?

    @Flag(help: "Run without the resource manager: shares, reservations and limits are then not kept.")
    var unmanaged = false

    @Option(
        help: .init("A specification in JSON (docs/machine-spec.md), or - for stdin.", valueName: "FILE"),
        completion: .file(extensions: ["json"]))
    var spec: String?

    @Flag(name: [.customShort("d"), .long], help: "Run it in the background and print its name.")
    var detach = false

    @Flag(help: "Print the specification instead of running it.")
    var printSpec = false

    func run() throws {
        try request.perform()
    }

    private var request: RunRequest {
        let fields: [(String, String, JSONValue?)] = [
            ("kernel", "KERNEL", kernel.map(JSONValue.string)),
            ("cpus", "--cpus", cpus.map { JSONValue($0) }),
            ("memory", "--memory", memory.map { .string($0.description) }),
            ("initrd", "--initrd", initrd.map(JSONValue.string)),
            ("commandLine", "--cmdline", cmdline.map(JSONValue.string)),
            ("name", "--name", name.map(JSONValue.string)),
            ("console", "--console", console.map { .string($0.description) }),
            ("escapeKey", "--escape", escape.map { .string($0.description) }),
            ("bootProtocol", "--boot-protocol", bootProtocol.map { .string($0.rawValue) }),
            ("hugePages", "--huge-pages", hugePages.map(JSONValue.boolean)),
            ("graceSeconds", "--grace", grace.map { JSONValue($0) }),
            ("logLevel", "--log-level", logLevel.map { .string($0.rawValue) }),
            ("runDirectory", "--run-directory", runDirectory.map(JSONValue.string)),
            ("disks", "--disk", disk.isEmpty ? nil : .array(disk)),
            ("nets", "--net", net.isEmpty ? nil : .array(net)),
            ("vsock", "--vsock", vsock),
            ("balloon", "--balloon", balloon),
            ("rng", "--rng", rng),
            ("virtioConsole", "--virtio-console", virtioConsole.map { .string($0.description) }),
            ("ioThreads", "--io-threads", ioThreads.map { JSONValue($0) }),
            ("cpuShares", "--cpu-shares", cpuShares.map(JSONValue.string)),
            ("cpuReservation", "--cpu-reservation", cpuReservation.map(JSONValue.string)),
            ("cpuLimit", "--cpu-limit", cpuLimit.map(JSONValue.string)),
            ("pool", "--pool", pool.map(JSONValue.string)),
            ("managed", "--unmanaged", unmanaged ? false : nil),
        ]
        let overrides = fields.compactMap { field, flag, value in
            value.map { RunRequest.Override(field: field, flag: flag, value: $0) }
        }
        return RunRequest(overrides: overrides, spec: spec, printSpec: printSpec, detach: detach)
    }
}

/// What the flags' values have in common.
enum Wording {
    /// A value of a flag, or an error that says what is allowed.
    static func parse<Value>(
        _ text: String, _ allowed: String, _ read: (String) -> Value?
    ) throws -> Value {
        guard let value = read(text) else { throw ValidationError("allowed: \(allowed)") }
        return value
    }

    /// The JSON of a device option's value, or an error that says what is wrong with it.
    static func device(_ option: DeviceOption, _ text: String) throws -> JSONValue {
        do {
            return try option.json(text)
        } catch {
            throw ValidationError(error.description)
        }
    }
}

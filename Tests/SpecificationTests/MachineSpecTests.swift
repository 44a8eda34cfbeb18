import JSONText
import Resources
import Specification
import Testing

@Suite("The machine's specification")
struct MachineSpecTests {
    /// A specification with every field away from its default.
    static func makeFullSpec() -> MachineSpec {
        var spec = MachineSpec(name: "web1", kernel: "/boot/vmlinuz")
        spec.initrd = "initrd.img"
        spec.commandLine = "console=ttyS0 \"quoted\" \\ \u{1F426}"
        spec.bootProtocol = .linux64
        spec.cpus = 255
        spec.memory = .gibibytes(6)
        spec.hugePages = true
        spec.console = .file(path: "web1.log")
        spec.escapeKey = .control("z")
        spec.logLevel = .trace
        spec.graceSeconds = 3600
        spec.runDirectory = "/run/user/1000/roost"
        let other = MachineSpec.makeWithAllDevices()
        spec.disks = other.disks
        spec.nets = other.nets
        spec.vsock = other.vsock
        spec.balloon = other.balloon
        spec.rng = other.rng
        spec.virtioConsole = .file(path: "hvc0.log")
        spec.ioThreads = other.ioThreads
        return spec
    }

    @Test("The smallest specification has documented defaults")
    func defaults() throws {
        let spec = try MachineSpec(jsonText: #"{"version":1,"name":"a","kernel":"k"}"#)
        #expect(spec == MachineSpec(name: "a", kernel: "k"))
        #expect(
            spec.jsonText()
                == #"{"version":1,"name":"a","kernel":"k","commandLine":"","bootProtocol":"automatic","cpus":1,"#
                + #""memory":"256M","hugePages":false,"console":"stdio","escapeKey":"ctrl-a","#
                + #""logLevel":"warning","graceSeconds":10}"#)
    }

    @Test("What is written comes back equal", arguments: [true, false])
    func roundTrip(pretty: Bool) throws {
        for console in [ConsoleSpec.stdio, .none, .pty, .file(path: "a=b\n"), .file(path: "none")] {
            for key in [EscapeKey.none, .standard, .control("q")] {
                var spec = Self.makeFullSpec()
                spec.console = console
                spec.escapeKey = key
                let text = spec.jsonText(pretty: pretty)
                #expect(try MachineSpec(jsonText: text) == spec)
                #expect(try MachineSpec(jsonText: text).jsonText(pretty: pretty) == text)
            }
        }
    }

    @Test("Every field is written under one of the names that are known")
    func names() throws {
        var spec = Self.makeFullSpec()
        spec.cpuAllocation = try CPUAllocation(shares: .low, reservation: .one, limit: .one)
        spec.pool = try PoolPath("web")
        spec.isManaged = false
        guard case .object(let members) = spec.json else {
            Issue.record("not an object")
            return
        }
        #expect(members.map(\.key) == MachineSpec.fieldNames)
    }

    @Test("Memory may be a number of bytes")
    func bytes() throws {
        let spec = try MachineSpec(jsonText: #"{"version":1,"name":"a","kernel":"k","memory":1048576}"#)
        #expect(spec.memory == .mebibytes(1))
    }

    @Test(
        "Names",
        arguments: [
            ("a", true), ("0", true), ("_", true), ("Web-1.example_x", true),
            (String(repeating: "n", count: 63), true),
            ("", false), (".", false), ("..", false), (".a", false), ("-a", false), ("a/b", false),
            ("a b", false),
            ("é", false), ("a\n", false), ("a\0", false), (String(repeating: "n", count: 64), false),
        ])
    func machineNames(name: String, allowed: Bool) {
        #expect(MachineSpec.isName(name) == allowed)
    }

    @Test("The escape key's byte is the control code of its letter")
    func escapeKeys() {
        #expect(EscapeKey("ctrl-a")?.byte == 1)
        #expect(EscapeKey("Ctrl-Z")?.byte == 26)
        #expect(EscapeKey("none") == EscapeKey.none && EscapeKey.none.byte == nil)
        for text in ["", "a", "ctrl-", "ctrl-1", "ctrl-aa", "ctrl-é", "^a", "ctrl-A "] {
            #expect(EscapeKey(text) == nil, "\(text)")
        }
    }

    @Test("Log levels are ordered")
    func levels() {
        #expect(LogLevel.allCases == LogLevel.allCases.sorted())
        #expect(LogLevel.form == "error, warning, info, debug or trace")
    }
}

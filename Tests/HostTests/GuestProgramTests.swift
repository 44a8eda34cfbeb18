import MachineTesting
import Testing

/// Every program of guests/README.md, with its arguments, as `roost run` shows it.
@Suite("Guest programs", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct GuestProgramTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    @Test(
        "hello says where it runs, by which protocol, with what command line and memory",
        arguments: ["pvh", "linux64"])
    func hello(bootProtocol: String) throws {
        let run = try host.run("hello", "code=7 word", ["--boot-protocol", bootProtocol, "--memory", "128M"])
        let name = bootProtocol == "pvh" ? "PVH" : "64-bit"
        #expect(
            run.output.hasPrefix(
                "hello from ring 3\nnote: unknown argument word ignored\nentry protocol: \(name)\n"
                    + "command line: code=7 word\nmemory: 12"))
        #expect(run.output.contains(/memory: 12[78] MiB\ntsc: [1-9][0-9]*\.[0-9]{3} MHz\n$/))
        #expect(run.errors == "" && run.status == .exited(7))
    }

    @Test("The smallest guest writes one byte and ends", arguments: ["automatic", "linux64"])
    func first(bootProtocol: String) throws {
        let run = try host.run("first", "", ["--boot-protocol", bootProtocol])
        #expect(run.output == "!" && run.errors == "" && run.status == .exited(0))
    }

    @Test("spin counts on two processors and tells so each interval")
    func spin() throws {
        let run = try host.run("spin", "count=2 interval=50", ["--cpus", "2"])
        let line = /spin (cpu=[01]|total) seconds=[0-9]+\.[0-9]{3} count=([1-9][0-9]*) rate=[0-9]+\/s/
        let lines = run.output.split(separator: "\n").map { $0.wholeMatch(of: line) }
        #expect(lines.map { $0?.1 ?? "?" } == ["cpu=0", "cpu=1", "cpu=0", "cpu=1", "total"], "\(run.output)")
        let counts = lines.compactMap { $0.flatMap { Int($0.2) } }
        try #require(counts.count == 5)
        #expect(counts[2] > counts[0] && counts[3] > counts[1] && counts[4] == counts[2] + counts[3])
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test(
        "memtouch verifies memory, also above 4 GiB",
        arguments: [("mib=16", "64M"), ("mib=32 start=0x100000000", "6G"), ("mib=8 start=0x170000000", "6G")])
    func memtouch(commandLine: String, memory: String) throws {
        let run = try host.run("memtouch", commandLine, ["--memory", memory])
        let lines = run.output.split(separator: "\n")
        #expect(lines.count == 2, "\(run.output)")
        #expect(lines.allSatisfy { $0.contains(/^memtouch pass=[01] mib=[0-9]+ .* verify=ok$/) })
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("memtouch is refused more memory than the guest has")
    func memtouchTooMuch() throws {
        let run = try host.run("memtouch", "mib=64", ["--memory", "32M"])
        #expect(run.output.contains(/^memtouch: 64 MiB wanted, [12][0-9] MiB above 0x[0-9a-f]+ present\n$/))
        #expect(run.status == .exited(64))
    }

    @Test(
        "smp starts every processor, and each answers an interrupt", arguments: [1, 2, 16],
        ["pvh", "linux64"])
    func smp(count: Int, bootProtocol: String) throws {
        let run = try host.run(
            "smp", "timeout=30000", ["--cpus", "\(count)", "--boot-protocol", bootProtocol])
        for cpu in 0..<count {
            #expect(run.output.contains("smp cpu=\(cpu) apic=\(cpu) online ipi=ok "), "\(run.output)")
        }
        #expect(run.output.hasSuffix("smp: \(count) of \(count) online\n"))
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("timer measures the local APIC's timer in its modes")
    func timer() throws {
        let run = try host.run("timer", "ticks=5 hz=200")
        let lines = run.output.split(separator: "\n")
        #expect(lines.first?.contains(/^timer: x2?APIC counts [0-9]+ kHz$/) == true)
        let modes = ["periodic busy", "periodic halt", "deadline busy", "deadline halt"]
        #expect(lines.count == 5, "\(run.output)")
        for (line, mode) in zip(lines.dropFirst(), modes) {
            #expect(line.hasPrefix("timer: \(mode) ticks=5 expected_ms=25 measured_ms="))
        }
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("timer hears what is typed by interrupt")
    func timerEcho() throws {
        let machine = try host.boot("timer", "ticks=1 echo=12", input: .pipe)
        try machine.wait(forOutput: "timer: type 12 bytes\n")
        try machine.type("Hello, guest")
        let run = try Finished(machine)
        #expect(
            run.output.contains(/timer: got "Hello, guest" in ([1-9]|1[0-2]) interrupts\n$/), "\(run.output)")
        #expect(run.errors == "" && run.status == .exited(0))
        #expect(host.leftovers == [])
    }

    @Test(
        "fault catches its exceptions",
        arguments: [("divide", 0, "0x0"), ("page", 14, "0x200000000"), ("invalid", 6, "0x0")])
    func fault(kind: String, vector: Int, address: String) throws {
        let run = try host.run("fault", "kind=\(kind)")
        #expect(
            run.output.contains(
                try Regex("^fault: vector \(vector) error [04] address \(address) rip 0x[0-9a-f]+\n$")))
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("A triple fault is a crash with the registers shown", arguments: ["fault", "end"])
    func triple(program: String) throws {
        let run = try host.run(program, "kind=triple")
        #expect(
            run.errorLines.first?.contains(
                /^roost: vm: error: the guest crashed: triple fault on virtual CPU 0 at rip 0x[0-9a-f]+$/)
                == true, "\(run.errors)")
        for register in ["rax", "r15", "rip", "rflags", "cr0", "cr3", "cs"] {
            #expect(run.errors.contains("  \(register) "))
        }
        #expect(run.errorLines.count < 12 && run.status == .exited(33))
    }

    @Test("An instruction that cannot be emulated is a crash with its bytes shown; other hosts execute it")
    func unsupported() throws {
        let run = try host.run("fault", "kind=unsupported")
        if run.status == .exited(3) {
            #expect(run.output == "fault: the instruction was executed\n" && run.errors == "")
        } else {
            // popcnt: f3 0f b8, perhaps with a REX prefix.
            #expect(
                run.errorLines.first?.contains(
                    /the guest crashed: KVM cannot emulate an instruction on virtual CPU 0 at rip 0x[0-9a-f]+: instruction bytes f3 (48 )?0f b8\s/
                ) == true, "\(run.errors)")
            #expect(run.errors.contains("  rip "))
            #expect(run.status == .exited(33))
        }
    }

    @Test(
        "end ends in each of its ways",
        arguments: [
            ("kind=debug-exit", 0), ("kind=debug-exit code=1", 1), ("code=255", 255),
            ("kind=reset-i8042", 32),
            ("kind=reset-acpi", 32), ("kind=poweroff-acpi", 0),
        ] as [(String, Int32)], ["pvh", "linux64"])
    func end(kind: (commandLine: String, status: Int32), bootProtocol: String) throws {
        let status = kind.status
        let name = kind.commandLine.split(separator: " ").first { $0.hasPrefix("kind=") } ?? "kind=debug-exit"
        let run = try host.run("end", kind.commandLine, ["--boot-protocol", bootProtocol])
        #expect(run.output == "end \(name)\n" && run.status == .exited(status))
        #expect(
            run.errors
                == (status == 32
                    ? "roost: vm: warning: the guest asked for a reset; restart it to go on\n" : ""))
    }

    @Test(
        "ports makes exits of each kind, from ring 0 and ring 3",
        arguments: ["port", "mmio", "port-ring3", "mmio-ring3"], ["write", "read"])
    func ports(kind: String, direction: String) throws {
        let run = try host.run("ports", "kind=\(kind) dir=\(direction) count=100")
        #expect(run.output.contains(/^S\n?E\n?.*\n$/), "\(run.output)")
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("flood writes exactly what it was asked for, in order", arguments: [0, 1, 63, 4096, 100_000])
    func flood(count: Int) throws {
        let run = try host.run("flood", "bytes=\(count) code=9")
        #expect(run.output == Flood.text(count))
        #expect(run.errors == "" && run.status == .exited(9))
    }

    @Test("Wrong arguments end a guest with 64")
    func wrongArguments() throws {
        let run = try host.run("fault", "kind=nonsense")
        #expect(run.status == .exited(64) && run.output.contains("kind"))
    }
}

/// What guests/programs/flood.c writes.
enum Flood {
    static func text(_ count: Int) -> String {
        var bytes: [UInt8] = []
        var number = 0
        while bytes.count < count {
            let digits = String(number)
            let start = "flood " + String(repeating: "0", count: 12 - digits.count) + digits + " "
            bytes += Array(start.utf8)
            bytes += (0..<63 - start.utf8.count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
            bytes.append(UInt8(ascii: "\n"))
            number += 1
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

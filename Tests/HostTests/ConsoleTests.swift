import Foundation
import MachineTesting
import Testing

/// Where a guest's output goes and its input comes from: docs/command-line.md, `--console`.
@Suite("Console", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct ConsoleTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    @Test("A pipe that nobody reads does not hold up the guest, and the loss is told to the byte")
    func unreadPipe() throws {
        let written = 180_000
        let machine = try host.boot("flood", "bytes=\(written) code=7", output: .unreadPipe)
        let status = try machine.finish()
        var read = 0
        while case let bytes = try machine.readOutput(65536), !bytes.isEmpty { read += bytes.count }
        #expect(status == .exited(7))
        let match = machine.errors.text.wholeMatch(
            of: /roost: vm: warning: ([0-9]+) bytes of console output were lost\n/)
        let lost = try #require(match.flatMap { Int($0.1) }, "\(machine.errors.text)")
        #expect(read + lost == written && lost > 0)
        #expect(host.leftovers == [])
    }

    @Test("A reader that comes late and reads little by little loses nothing that fits in pipe and buffer")
    func slowReader() throws {
        let written = 90_000
        let machine = try host.boot("flood", "bytes=\(written) code=7", output: .unreadPipe)
        // How full a pipe is when it is full depends on how small the writes were.
        try machine.wait(for: "a pipe that fills") { machine.waitingOutput > 32768 }
        var read: [UInt8] = []
        while case let bytes = try machine.readOutput(997), !bytes.isEmpty { read += bytes }
        #expect(read.text == Flood.text(written))
        #expect(try machine.finish() == .exited(7))
        #expect(machine.errors == [])
    }

    @Test("An empty input is no reason to end", arguments: ["null", "closed", "ended"])
    func noInput(kind: String) throws {
        let input: ChildProcess.Input = kind == "null" ? .null : kind == "closed" ? .closed : .pipe
        let machine = try host.boot("hello", "code=4", input: input)
        if kind == "ended" { machine.endInput() }
        let run = try Finished(machine)
        #expect(run.output.hasPrefix("hello from ring 3\n") && run.errors == "" && run.status == .exited(4))
    }

    @Test("A closed standard output drops what the guest writes, and takes no other descriptor for it")
    func closedOutput() throws {
        for input in [ChildProcess.Input.null, .closed] {
            let run = try host.run("hello", "code=4", input: input, output: .closed)
            #expect(run.errors == "" && run.status == .exited(4))
        }
    }

    @Test("What is typed faster than the guest reads arrives whole and in order")
    func pastedInput() throws {
        let count = 4096
        let machine = try host.boot("timer", "ticks=1 echo=\(count)", input: .pipe)
        try machine.wait(forOutput: "timer: type \(count) bytes\n")
        let text = Flood.text(count).replacing("\n", with: "|")
        // The guest has no room for what follows: it must neither block nor reach anybody.
        try machine.type(text + String(repeating: "x", count: 100_000))
        let run = try Finished(machine)
        #expect(run.output.contains("timer: got \"\(text)\" in "))
        #expect(run.errors == "" && run.status == .exited(0))
    }

    @Test("A reader that goes away ends the machine in one line", arguments: ["flood", "spin"])
    func closedEarly(guest: String) throws {
        let machine = try host.boot(
            guest, guest == "flood" ? "bytes=100000000" : "interval=1", output: .unreadPipe)
        #expect(try machine.readOutput(1).count == 1)
        machine.closeOutput()
        let run = try Finished(machine)
        #expect(
            run.errors
                == "roost: vm: error: the console's output is lost: cannot write to standard output: Broken pipe; the guest was stopped\n"
        )
        #expect(run.status == .exited(74) && host.leftovers == [])
    }

    @Test("--console file= writes the file and nothing else")
    func file() throws {
        let path = host.directory.path + "/console.log"
        _ = try host.directory.write(
            Array("what was there before, and longer than the new text".utf8), to: "console.log")
        let run = try host.run("end", "code=9", ["--console", "file=\(path)"])
        #expect(run.output == "" && run.errors == "" && run.status == .exited(9))
        #expect(try host.directory.read("console.log").text == "end kind=debug-exit\n")
    }

    @Test(
        "A full disk under the console is a warning; the guest runs to its end, and a status of 0 becomes 74",
        arguments: [("code=0", 74), ("code=9", 9)] as [(String, Int32)])
    func fullDisk(commandLine: String, status: Int32) throws {
        let run = try host.run("flood", "bytes=10000 \(commandLine)", ["--console", "file=/dev/full"])
        #expect(run.output == "" && run.status == .exited(status))
        #expect(
            run.errors == """
                roost: vm: warning: console output is being lost: cannot write to /dev/full: No space left on device
                roost: vm: warning: 10000 bytes of console output were lost

                """)
    }

    @Test("A standard output that takes nothing and is no file ends the machine")
    func brokenOutput() throws {
        let run = try host.run("flood", "bytes=100000000", output: .file("/dev/full"))
        #expect(
            run.errors
                == "roost: vm: error: the console's output is lost: cannot write to standard output: No space left on device; the guest was stopped\n"
        )
        #expect(run.status == .exited(74))
    }

    @Test(
        "A full file system under standard output is told as one under a console file",
        .enabled(if: TestHost.isRoot, "\(TestHost.notRoot)"))
    func fullFileSystem() throws {
        let other = try TemporaryDirectory()
        let shell = try ChildProcess(
            "/usr/bin/unshare",
            [
                "--mount", "/bin/sh", "-c",
                "mount -t tmpfs -o size=8k none \(host.directory.path) && "
                    + "\(TestHost.buildDirectory)/roost run \(try TestHost.guest("flood")) --name vm --memory 64M "
                    + "--cmdline 'bytes=50000 code=0' --run-directory \(other.path)/run "
                    + ">\(host.directory.path)/out; code=$?; wc -c <\(host.directory.path)/out; exit $code",
            ])
        let run = try Finished(shell)
        #expect(other.contents(of: "run") == [])
        let written = try #require(
            Int(run.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(run.errors)")
        #expect(
            run.errors == """
                roost: vm: warning: console output is being lost: cannot write to standard output: No space left on device
                roost: vm: warning: \(50000 - written) bytes of console output were lost

                """)
        #expect(run.status == .exited(74))
    }

    @Test(
        "A console file that cannot be made is told before the guest starts",
        arguments: ["/no/such/file", "/", "fifo"])
    func unwritableFile(path: String) throws {
        var path = path
        if path == "fifo" {
            path = host.directory.path + "/fifo"
            try #require(unsafe mkfifo(path, 0o600) == 0)
        }
        let run = try host.run("hello", "", ["--console", "file=\(path)"])
        #expect(run.output == "" && run.errorLines.count == 1 && run.status == .exited(73))
        #expect(run.errors.hasPrefix("roost: vm: error: cannot open \(path): "))
    }

    @Test("--console none drops output and gives no input")
    func none() throws {
        let run = try host.run("flood", "bytes=100000 code=6", ["--console", "none"])
        #expect(run.output == "" && run.errors == "" && run.status == .exited(6))
    }

    @Test(
        "--console pty prints a path, links it in the run directory, and carries both directions without an echo"
    )
    func pty() throws {
        let machine = try host.boot("timer", "ticks=1 echo=5", ["--console", "pty"], input: .pipe)
        try machine.wait(forErrors: "\n")
        let match = machine.errors.text.wholeMatch(of: /roost: vm: the console is at (\/dev\/pts\/[0-9]+)\n/)
        let path = try #require(match.map { String($0.1) }, "\(machine.errors.text)")
        let link = host.directory.path + "/run/vm/console"
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
        let terminal = try ChildProcess(
            "/bin/sh", ["-c", "exec 3<>\(link); cat <&3 & cat >&3; wait"], input: .pipe)
        try terminal.wait(forOutput: "timer: type 5 bytes\n")
        try terminal.type("ab\rcd")
        try terminal.wait(forOutput: "timer: got \"")
        #expect(try machine.finish() == .exited(0))
        terminal.endInput()
        try terminal.finish()
        // An echo of the terminal would have been typed to the guest, which wants no more.
        #expect(
            terminal.output.text.contains(/timer: got "ab\rcd" in [1-5] interrupts\n$/),
            "\(terminal.output.text)")
        #expect(machine.output == [] && host.leftovers == [])
    }
}

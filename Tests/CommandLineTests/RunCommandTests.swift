import Foundation
import JSONText
import Specification
import Testing

@Suite("roost run")
struct RunCommandTests {
    private static let allFlags = [
        "run", "vmlinuz", "-c", "4", "-m", "1536m", "-i", "initrd.img", "--cmdline", "console=ttyS0 -- -x",
        "-n", "web1", "--console", "file=a b.log", "--escape", "ctrl-b", "--boot-protocol", "linux64",
        "--huge-pages", "--grace", "0", "--log-level", "trace", "--run-directory", "/tmp/run", "--print-spec",
        "--disk", "root.img", "--disk=path=a,,b.img,id=data,readonly=on,queue-size=64,iops=500,bps=50M",
        "--net", "tap0,mac=02:00:5e:10:00:01,rx-bps=10M,rx-bps-burst=20M", "--vsock", "web1.sock,cid=7",
        "--balloon", "size=64M,stats-interval=0", "--rng", "--virtio-console", "pty", "--io-threads", "2",
    ]

    private static let allFields = """
        {
          "version": 1,
          "name": "web1",
          "kernel": "vmlinuz",
          "initrd": "initrd.img",
          "commandLine": "console=ttyS0 -- -x",
          "bootProtocol": "linux64",
          "cpus": 4,
          "memory": "1536M",
          "hugePages": true,
          "console": "file=a b.log",
          "escapeKey": "ctrl-b",
          "logLevel": "trace",
          "graceSeconds": 0,
          "runDirectory": "/tmp/run",
          "disks": [
            {
              "path": "root.img",
              "id": "disk0",
              "readonly": false,
              "direct": false,
              "cache": "writeback",
              "engine": "auto",
              "discard": true,
              "queueSize": 256
            },
            {
              "path": "a,b.img",
              "id": "data",
              "readonly": true,
              "direct": false,
              "cache": "writeback",
              "engine": "auto",
              "discard": true,
              "queueSize": 64,
              "iops": 500,
              "iopsBurst": 50,
              "bps": "50M",
              "bpsBurst": "5M"
            }
          ],
          "nets": [
            {
              "tap": "tap0",
              "id": "net0",
              "mac": "02:00:5e:10:00:01",
              "offloads": true,
              "queueSize": 256,
              "rxBps": "10M",
              "rxBpsBurst": "20M"
            }
          ],
          "vsock": {
            "path": "web1.sock",
            "cid": 7
          },
          "balloon": {
            "size": "64M",
            "deflateOnOom": true,
            "statsInterval": "0",
            "freePageReporting": true,
            "freePageHinting": false
          },
          "rng": {
            "source": "/dev/urandom"
          },
          "virtioConsole": "pty",
          "ioThreads": 2
        }

        """

    @Test("--print-spec shows what all flags ask for")
    func printSpec() throws {
        let run = try RoostProcess(Self.allFlags)
        #expect(run.output == Self.allFields)
        #expect(run.errors == "" && run.status == 0)
    }

    /// `--` at the end means nothing, but leaves the reading to ArgumentParser.
    @Test(
        "The quick reader of plain arguments and ArgumentParser agree",
        arguments: [
            allFlags, ["run", "k", "-n", "n"], ["run", "k"], ["run"], ["run", ""], ["run", "k", "l"],
            ["run", "--name=n", "--cpus=3", "--memory=1g", "--cmdline=-a=b", "--console=file=x=y", "k"],
            ["run", "k", "-n=n"], ["run", "k", "-n", "n", "--cmdline", "--help"], ["run", "k", "--cmdline="],
            ["run", "k", "-n", "n", "--no-huge-pages", "--escape", "none", "--console", "pty"],
            ["run", "k", "-n", "a", "-n", "b"], ["run", "k", "-n", "a", "--huge-pages", "--no-huge-pages"],
            ["run", "k", "-c", "-1"], ["run", "k", "-c"], ["run", "k", "-c", "+2", "-n", "n"], ["run", "-"],
            ["run", "k", "--cpus", "300"], ["run", "k", "--grace", "3601"], ["run", "k", "--memory", "1K"],
            ["run", "k", "-n", ""], ["run", "k", "--nam", "n"], ["run", "k", "-xn"], ["run", "k", "-cn"],
            ["run", "k", "--log-level", "loud"], ["run", "k", "--boot-protocol", "pvh", "-n", "n"],
            ["run", "--spec", "/no/spec"], ["run", "--spec=/no/spec"], ["run", "--spec", "a", "--spec", "b"],
            ["run", "k", "--print-spec", "--print-spec", "-n", "n"], ["run", "/no/kernel"],
            ["run", "-n", "n", "--rng", "k", "--print-spec"],
            ["run", "-n", "n", "--balloon", "size=64M", "k", "--rng=bps=1M", "--print-spec"],
            ["run", "-n", "n", "k", "--balloon=on", "--print-spec", "--rng"], ["run", "k", "--rng", "--rng"],
            ["run", "k", "--balloon="], ["run", "k", "--balloon", "siz=1"], ["run", "k", "--rng", "x"],
            ["run", "k", "-n", "n", "--cmdline", "--rng", "--print-spec"], ["run", "k", "--name", "--rng"],
            ["run", "k", "--disk"], ["run", "k", "--disk", ""], ["run", "k", "--disk", "a,b"],
            ["run", "k", "--disk", "-a"], ["run", "k", "--disk=-a", "-n", "n", "--print-spec"],
            ["run", "k", "--disk", "a", "--disk", "b,id=disk0"], ["run", "k", "--io-threads", "0"],
            ["run", "k", "--net", "t,mac=x"],
            ["run", "k", "--vsock", "a", "--vsock", "b", "--print-spec", "-nn"],
            ["run", "k", "--virtio-console", "tty"],
            ["run", "k", "--virtio-console", "stdio", "--console=stdio"],
            ["run", "-d", "k", "-n", "n", "--print-spec"],
            ["run", "k", "--detach", "-n", "n", "--print-spec"],
            ["run", "-d", "-d", "k", "-n", "n", "--print-spec"],
            ["run", "-d", "/no/kernel", "--console", "socket"],
        ])
    func quickReader(arguments: [String]) throws {
        let quick = try RoostProcess(arguments)
        let full = try RoostProcess(arguments + ["--"])
        #expect(quick.status == full.status && quick.errors == full.errors)
        guard arguments.contains("--print-spec") else { return }
        #expect(quick.output == full.output)
    }

    @Test("--spec reads what --print-spec wrote, from a file or standard input")
    func specRoundTrip() throws {
        let piped = try RoostProcess(["run", "--spec", "-", "--print-spec"], input: Self.allFields)
        #expect(piped.output == Self.allFields)
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "spec.json")
            try Self.allFields.write(to: file, atomically: true, encoding: .utf8)
            let run = try RoostProcess(["run", "--spec", file.path, "--print-spec"])
            #expect(run.output == Self.allFields)
        }
    }

    @Test("Flags go before the fields of --spec")
    func flagsOverride() throws {
        let run = try RoostProcess(
            [
                "run", "--spec", "-", "--print-spec", "other", "--cpus", "2", "--no-huge-pages",
                "--escape=none",
            ],
            input: Self.allFields)
        var wished = try MachineSpec(jsonText: Self.allFields)
        wished.kernel = "other"
        wished.cpus = 2
        wished.hugePages = false
        wished.escapeKey = .none
        #expect(try MachineSpec(jsonText: run.output) == wished)
    }

    @Test(
        "A machine without a name is named after its kernel",
        arguments: [
            ("guests/hello.elf", "hello-"), ("vmlinuz 6.1", "vmlinuz-6.1-"), ("/a/.hidden", "hidden-"),
            ("/", "machine-"), (String(repeating: "k", count: 200), String(repeating: "k", count: 50) + "-"),
        ])
    func generatedName(kernel: String, start: String) throws {
        let specs = try (0..<2).map { _ in
            try MachineSpec(jsonText: try RoostProcess(["run", "--print-spec", kernel]).output)
        }
        for spec in specs {
            #expect(spec.name.hasPrefix(start) && spec.name.utf8.count == start.utf8.count + 4)
        }
        #expect(specs[0].name != specs[1].name)
    }

    @Test(
        "A wrong flag is told in one line with exit code 64",
        arguments: [
            (["run"], "a KERNEL or --spec is needed (see 'roost run --help')"),
            (["run", "k", "--cpus", "0"], "--cpus is 0; allowed: a whole number from 1 to 255"),
            (["run", "k", "-c", "256"], "--cpus is 256; allowed: a whole number from 1 to 255"),
            (["run", "k", "-c", "x"], "the value 'x' is invalid for '-c <N>' (see 'roost run --help')"),
            (["run", "k", "-m", "0"], #"--memory is "0"; allowed: 1M to 1T in steps of 4K"#),
            (["run", "k", "-m", "1025K"], #"--memory is "1025K"; allowed: 1M to 1T in steps of 4K"#),
            (
                ["run", "k", "--memory=1.5G"],
                "the value '1.5G' is invalid for '--memory <SIZE>': allowed: digits and K, M, G or T, "
                    + "such as 256M or 1G (see 'roost run --help')"
            ),
            (["run", "k", "-n", "a/b"], "--name is \"a/b\"; allowed: \(MachineSpec.nameForm)"),
            (["run", "k", "--grace=-1"], "--grace is -1; allowed: a whole number from 0 to 3600"),
            (["run", ""], #"KERNEL is ""; allowed: a path of 1 to 4095 bytes, none of them zero"#),
            (["run", "k", "l"], "unexpected argument 'l' (see 'roost run --help')"),
            (
                ["run", "k", "--memori", "1G"],
                "unknown option '--memori'. Did you mean '--memory'? (see 'roost run --help')"
            ),
            (
                ["run", "k", "--vsock", "s,port=1"],
                "the value 's,port=1' is invalid for '--vsock <VSOCK>': there is no key port; "
                    + "the keys are path, cid (see 'roost run --help')"
            ),
            (
                ["run", "k", "--disk", "a", "--disk", "b,id=disk0"],
                #"--disk 2's id is "disk0", and so is --disk 1's id"#
            ),
            (
                ["run", "k", "--balloon", "size=1G", "-m", "64M"],
                #"--balloon's size is "1G"; allowed: at most the guest's memory, 64M"#
            ),
            (
                ["run", "k"] + (0..<15).map { "--disk=d\($0)" },
                "the machine has 15 virtio devices (disks, network cards and others); at most 14 fit"
            ),
        ])
    func usageErrors(arguments: [String], message: String) throws {
        let run = try RoostProcess(arguments)
        #expect(run.errors == "roost: error: \(message)\n")
        #expect(run.output == "" && run.status == ExitCode.usage.status)
    }

    @Test(
        "A wrong specification is told with file, line and column and exit code 65",
        arguments: [
            ("", "standard input:1:1: expected a value, found the end of the text"),
            ("[]", "standard input: expected an object, found an array"),
            (#"{"version":1,"name":"a"}"#, "standard input: kernel is missing"),
            (
                "{\"version\":1,\"name\":\"a\",\n\"kernel\":\"k\",\n\"cpu\":1}",
                #"standard input:3:1: unknown field "cpu"; did you mean "cpus"?"#
            ),
            (
                "{\"version\":1,\n\"cpus\":1000,\"kernel\":\"k\"}",
                "standard input:2:1: cpus is 1000; allowed: a whole number from 1 to 255"
            ),
        ])
    func dataErrors(spec: String, message: String) throws {
        let run = try RoostProcess(["run", "--spec", "-"], input: spec)
        #expect(run.errors == "roost: error: \(message)\n")
        #expect(run.output == "" && run.status == ExitCode.dataError.status)
    }

    @Test(
        "A file that cannot be read is told with exit code 66",
        arguments: [
            (["run", "/no/kernel"], "cannot read the kernel /no/kernel: No such file or directory"),
            (["run", "/tmp"], "the kernel /tmp is not a regular file"),
            (["run", "/dev/null"], "the kernel /dev/null is not a regular file"),
            (
                ["run", "/proc/self/exe", "-i", "/no/initrd"],
                "cannot read the initrd /no/initrd: No such file or directory"
            ),
            (
                ["run", "/proc/self/exe", "--disk", "/no/disk"],
                "cannot write the disk /no/disk: No such file or directory"
            ),
            (
                ["run", "/proc/self/exe", "--disk", "/no/disk,readonly=on"],
                "cannot read the disk /no/disk: No such file or directory"
            ),
            (["run", "/proc/self/exe", "--disk", "/tmp"], "cannot write the disk /tmp: Is a directory"),
            (
                ["run", "/proc/self/exe", "--disk", "/tmp,readonly=on"],
                "the disk /tmp is not a regular file or a block device"
            ),
            (
                ["run", "/proc/self/exe", "--disk", "/dev/null"],
                "the disk /dev/null is not a regular file or a block device"
            ),
            (["run", "--spec", "/no/spec"], "cannot open /no/spec: No such file or directory"),
            (["run", "--spec", "/tmp"], "cannot read /tmp: Is a directory"),
        ])
    func inputErrors(arguments: [String], message: String) throws {
        let run = try RoostProcess(arguments)
        #expect(run.errors == "roost: error: \(message)\n")
        #expect(run.output == "" && run.status == ExitCode.noInput.status)
    }

    @Test("The process becomes the worker, which finds the specification on the named descriptor")
    func becomesWorker() throws {
        try withTemporaryDirectory { directory in
            let worker = directory.appending(path: "worker")
            try "#!/bin/sh\necho \"$@\"\ncat <&\"$4\"\nexit 49\n".write(
                to: worker, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: worker.path)
            let run = try RoostProcess(
                ["run", worker.path, "-n", "web1", "-c", "2"], environment: ["ROOST_VMM": worker.path])
            #expect(run.errors == "" && run.status == 49)
            let lines = run.output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("--name web1 --spec-fd ") == true)
            var wished = MachineSpec(name: "web1", kernel: worker.path)
            wished.cpus = 2
            // These tests have no manager.
            wished.isManaged = false
            #expect(lines.count == 2)
            #expect(try MachineSpec(jsonText: String(lines[1])) == wished)
        }
    }

    @Test("A worker that is not there is told with exit code 69")
    func noWorker() throws {
        let run = try RoostProcess(["run", "/proc/self/exe"], environment: ["ROOST_VMM": "/no/worker"])
        #expect(run.errors == "roost: error: ROOST_VMM names /no/worker, which is no file that can be run\n")
        #expect(run.status == ExitCode.unavailable.status)
    }
}

import Foundation
import MachineTesting
import Testing

/// What is no good gets one line that names it, its exit code, and leaves nothing behind.
@Suite("Bad input", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct BadInputTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    private func kernel(_ kernel: SmallKernel) throws -> String {
        try host.directory.write(kernel.bytes, to: "kernel.elf")
    }

    /// `hlt`, for kernels that are not to get that far.
    private let code: [UInt8] = [0xF4]

    @Test(
        "A kernel that is none", arguments: ["a text, which is no kernel\n", "\u{0}\u{0}\u{0}\u{0}", "x", ""])
    func noKernel(text: String) throws {
        let path = try host.directory.write(Array(text.utf8), to: "text")
        try host.expectRefusal(["run", path, "-n", "vm"], status: 65, naming: path, "kernel")
    }

    @Test(
        "A kernel that is cut off, at any header's end and inside it",
        arguments: [4, 16, 63, 64, 119, 120, 400, 4095, 12000])
    func truncated(size: Int) throws {
        let whole = [UInt8](try Data(contentsOf: URL(filePath: try TestHost.guest("hello"))))
        let path = try host.directory.write(Array(whole.prefix(size)), to: "cut")
        try host.expectRefusal(["run", path, "-n", "vm"], status: 65, naming: path, "cut off")
    }

    @Test("A kernel that cannot be read")
    func unreadable() throws {
        try host.expectRefusal(
            ["run", host.directory.path], status: 66, naming: host.directory.path, "not a regular file")
        try host.expectRefusal(["run", "/no/kernel"], status: 66, naming: "/no/kernel", "No such file")
        let fifo = host.directory.path + "/fifo"
        try #require(unsafe mkfifo(fifo, 0o600) == 0)
        try host.expectRefusal(["run", fifo], status: 66, naming: fifo, "not a regular file")
    }

    @Test(
        "A kernel, or /dev/kvm, that this user may not read",
        .enabled(if: TestHost.isRoot, "\(TestHost.notRoot)"))
    func notPermitted() throws {
        let secret = try host.directory.write([], to: "secret")
        try #require(unsafe chmod(secret, 0o600) == 0)
        try #require(unsafe chmod(host.directory.path, 0o755) == 0)
        let open = try host.directory.write(SmallKernel(code: code).bytes, to: "open")
        // The build directory may be closed to others: the binaries are copied to where they are not. By
        // cp(1), as a file that this process writes is busy while a test beside this one starts a process.
        let copy = try ChildProcess(
            "/bin/cp",
            [TestHost.buildDirectory + "/roost", TestHost.buildDirectory + "/roost-vmm", host.directory.path])
        #expect(try copy.finish() == .exited(0))
        let nobody = [
            "--reuid=65534", "--regid=65534", "--clear-groups", "--", host.directory.path + "/roost", "run",
        ]
        let runs = "/tmp/roost-nobody-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: runs) }
        let noFile = try Finished(
            try ChildProcess("/usr/bin/setpriv", nobody + [secret, "-n", "vm", "--run-directory", runs]))
        noFile.expectRefusal(status: 66, naming: [secret, "Permission denied"])
        let noDevice = try Finished(
            try ChildProcess("/usr/bin/setpriv", nobody + [open, "-n", "vm", "--run-directory", runs]))
        noDevice.expectRefusal(status: 77, naming: ["/dev/kvm", "Permission denied", "usermod"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: runs) == [])
    }

    @Test("An ELF file for another machine")
    func wrongMachine() throws {
        var wrong = SmallKernel(code: code)
        wrong.machine = 183
        try host.expectRefusal(
            ["run", try kernel(wrong), "-n", "vm"], status: 65, naming: "kernel.elf", "machine 0xb7")
    }

    @Test("Segments that overlap, wrap, are huge or not in the guest's memory")
    func segments() throws {
        var overlapping = SmallKernel(code: [UInt8](repeating: 0x90, count: 8192))
        overlapping.segments.append(.init(0x101000, [0xF4]))
        var wrapping = SmallKernel(code: code)
        wrapping.segments.append(.init(UInt64.max - 4095, [0xF4], memorySize: 8192))
        var huge = SmallKernel(code: code)
        huge.segments[0].memorySize = UInt64.max / 2
        var shrinking = SmallKernel(code: [0x90, 0xF4])
        shrinking.segments[0].memorySize = 1
        var outside = SmallKernel(code: code)
        outside.segments.append(.init(0x1000_0000, [0xF4]))
        var inHole = SmallKernel(code: code)
        inHole.segments.append(.init(0xFEC0_0000, [0xF4]))
        var entryOutside = SmallKernel(code: code)
        entryOutside.entry = 0x500000
        for (wrong, word) in [
            (overlapping, "overlap"), (wrapping, "address space"), (huge, "RAM"),
            (shrinking, "bytes of memory"),
            (outside, "RAM"), (inHole, "RAM"), (entryOutside, "entry"),
        ] {
            try host.expectRefusal(
                ["run", try kernel(wrong), "-n", "vm", "-m", "64M"], status: 65, naming: "kernel.elf", word)
        }
    }

    @Test("A bzImage of an old protocol, or cut off", arguments: [0x0000, 0x0204, 0x020B, 0x020F])
    func oldBzImage(version: Int) throws {
        var image = [UInt8](repeating: 0, count: 4096)
        image[0x1F1] = 4
        image.replaceSubrange(0x1FE..<0x200, with: [0x55, 0xAA])
        image.replaceSubrange(0x200..<0x202, with: [0xEB, 0x66])
        image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        image.replaceSubrange(0x206..<0x208, with: little(UInt16(version)))
        let path = try host.directory.write(image, to: "bzImage")
        try host.expectRefusal(["run", path, "-n", "vm"], status: 65, naming: path)
    }

    @Test("An initial RAM disk that is missing, empty, a directory, or does not fit")
    func initrd() throws {
        let guest = try TestHost.guest("hello")
        let directory = host.directory.path
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "-i", "/no/initrd"], status: 66, naming: "/no/initrd")
        try host.expectRefusal(["run", guest, "-n", "vm", "-i", directory], status: 66, naming: directory)
        let empty = try host.directory.write([], to: "empty")
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "-i", empty], status: 65, naming: "initial RAM disk is empty")
        let large = try host.directory.write([], to: "large")
        try #require(unsafe truncate(large, 100 << 20) == 0)
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "-i", large, "-m", "64M"], status: 65, naming: "initial RAM disk",
            "more memory")
        try #require(unsafe truncate(large, 1 << 43) == 0)
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "-i", large, "-m", "64M"], status: 65, naming: "initial RAM disk")
    }

    @Test("A command line that is too long for the kernel")
    func commandLine() throws {
        let text = String(repeating: "x", count: 70_000)
        try host.expectRefusal(
            ["run", try TestHost.guest("hello"), "-n", "vm", "--cmdline", text], status: 65,
            naming: "command line has")
    }

    @Test(
        "Memory and processors that no machine or not this host has",
        arguments: [
            (["-m", "0"], 64, "--memory"), (["-m", "1025K"], 64, "--memory"),
            (["-m", "4097"], 64, "--memory"),
            (["-m", "-1"], 64, "-m"), (["-m", "2T"], 64, "--memory"), (["-m", "1T"], 69, "memory"),
            (["-m", "99999999999999999999G"], 64, "-m"), (["-c", "0"], 64, "--cpus"),
            (["-c", "256"], 64, "--cpus"), (["-c", "99999999999999999999"], 64, "-c"),
            (["-m", "1M"], 65, "memory"),
        ] as [([String], Int32, String)])
    func sizes(flags: [String], status: Int32, word: String) throws {
        try host.expectRefusal(
            ["run", try TestHost.guest("hello"), "-n", "vm"] + flags, status: status, naming: word)
    }

    @Test("The most processors a machine can have start, or are refused by name")
    func mostProcessors() throws {
        let run = try host.run("first", "", ["--cpus", "255"])
        if run.status != .exited(0) { run.expectRefusal(status: 69, naming: ["255 virtual CPUs"]) }
    }

    @Test("/dev/kvm that is absent, or something else", .enabled(if: TestHost.isRoot, "\(TestHost.notRoot)"))
    func device() throws {
        let roost =
            "exec \(TestHost.buildDirectory)/roost run \(try TestHost.guest("hello")) -n vm "
            + "--run-directory \(host.directory.path)/run"
        let cases = [
            ("mount -t tmpfs none /dev && \(roost)", "cannot open /dev/kvm: No such file"),
            ("mount --bind /dev/null /dev/kvm && \(roost)", "it is not the KVM device"),
            ("mount --bind /dev/zero /dev/kvm && \(roost)", "it is not the KVM device"),
            (
                "touch \(host.directory.path)/x; mount --bind \(host.directory.path)/x /dev/kvm && \(roost)",
                "it is not the KVM device"
            ),
        ]
        for (script, message) in cases {
            let run = try Finished(
                try ChildProcess("/usr/bin/unshare", ["--mount", "/bin/sh", "-c", script]))
            run.expectRefusal(status: 69, naming: [message])
            #expect(host.leftovers == [])
        }
    }

    @Test(
        "A specification with unknown, missing or wrong fields",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"version":1,"kernel":"k","cpu":1}"#,
            #"{"version":2,"kernel":"k"}"#,
            #"{"version":1,"kernel":7}"#, #"{"version":1,"kernel":"k","cpus":1.5}"#,
            #"{"version":1,"kernel":"k","cpus":1e400}"#, #"{"version":1,"kernel":"k","memory":5}"#,
            #"{"version":1,"kernel":"k","console":"file="}"#, #"{"version":1,"kernel":"k","name":"../x"}"#,
            #"{"version":1,"kernel":"k","kernel":"l"}"#, "\u{FEFF}{}", String(repeating: "[", count: 100_000),
        ])
    func specification(text: String) throws {
        let path = try host.directory.write(Array(text.utf8), to: "spec.json")
        try host.expectRefusal(["run", "--spec", path], status: 65, naming: path)
    }

    @Test("A specification that is no text", arguments: [[0xFF, 0xFE], [0x7B, 0x00, 0x7D]] as [[UInt8]])
    func binarySpecification(bytes: [UInt8]) throws {
        let path = try host.directory.write(bytes, to: "spec.json")
        try host.expectRefusal(["run", "--spec", path], status: 65, naming: path)
    }

    @Test(
        "The worker by hand, with no descriptor or with garbage on it",
        arguments: [
            ("", 64), ("--spec-fd", 64), ("--spec-fd x", 64), ("--spec-fd 0", 64), ("--spec-fd -1", 64),
            ("--spec-fd 99", 66), ("--spec-fd 5 5</tmp", 66), ("--spec-fd 5 5</dev/null", 65),
            ("--spec-fd 5 5<\(#filePath)", 65), ("--spec-fd 5 5</dev/zero", 65),
            ("--spec-fd 5 5>/dev/null", 66),
        ] as [(String, Int32)])
    func worker(arguments: String, status: Int32) throws {
        let run = try Finished(
            try ChildProcess("/bin/sh", ["-c", "exec \(TestHost.buildDirectory)/roost-vmm \(arguments)"]))
        run.expectRefusal(status: status, naming: ["roost-vmm: error: "])
    }

    @Test(
        "A run directory that cannot be made or written", .enabled(if: TestHost.isRoot, "\(TestHost.notRoot)")
    )
    func runDirectory() throws {
        let guest = try TestHost.guest("hello")
        let file = try host.directory.write([], to: "file")
        try host.expectRefusal(["run", guest, "-n", "vm", "--run-directory", file], status: 73, naming: file)
        let foreign = host.directory.path + "/foreign"
        try FileManager.default.createDirectory(
            atPath: foreign, withIntermediateDirectories: false, attributes: [.ownerAccountID: 65534])
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "--run-directory", foreign], status: 77, naming: foreign,
            "belongs to somebody else")
        try host.expectRefusal(
            ["run", guest, "-n", "vm", "--run-directory", "/no/such/parent"], status: 73,
            naming: "/no/such/parent")
        let full = host.directory.path + "/full"
        try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: false)
        // Room for the lock, which is empty, and none for the specification.
        let script =
            "mount -t tmpfs -o size=4k none \(full) && printf x >\(full)/x && "
            + "\(TestHost.buildDirectory)/roost run \(guest) -n vm --run-directory \(full); code=$?; ls \(full) >&2; exit $code"
        let run = try Finished(try ChildProcess("/usr/bin/unshare", ["--mount", "/bin/sh", "-c", script]))
        #expect(
            run.errors == "roost: vm: error: cannot write \(full)/vm/spec.json: No space left on device\nx\n")
        #expect(run.output == "" && run.status == .exited(73))
    }
}

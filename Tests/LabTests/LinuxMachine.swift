import Foundation
import MachineTesting
import Testing

/// A stock Debian kernel under `roost run`, with a shell on its serial port.
final class LinuxMachine {
    enum Image: String, CaseIterable, CustomTestStringConvertible {
        /// The unpacked kernel by the PVH entry.
        case vmlinuxByPVH
        /// The unpacked kernel by the 64-bit boot protocol.
        case vmlinuxByLinux64
        /// The kernel as Debian ships it.
        case bzImage

        var file: String { self == .bzImage ? "bzImage" : "vmlinux" }

        var flags: [String] {
            switch self {
            case .vmlinuxByPVH: ["--boot-protocol", "pvh"]
            case .vmlinuxByLinux64: ["--boot-protocol", "linux64"]
            case .bzImage: []
            }
        }

        var testDescription: String { rawValue }
    }

    private(set) var process: ChildProcess
    /// Starts it anew.
    private let start: () throws -> ChildProcess
    private let directory: TemporaryDirectory
    private let watched: WatchedMachine
    private var seen = 0

    static let name = "linux"
    static let prompt = "guest# "

    /// - Parameter modules: whether the archive with drivers is put behind the initial RAM disk.
    convenience init(_ image: Image, cpus: Int = 1, commandLine: String = "quiet", modules: Bool = false)
        throws
    {
        try self.init(
            image, archives: modules ? [.modules] : [], commandLine: commandLine,
            flags: ["--cpus", "\(cpus)", "--memory", "256M"])
    }

    /// A machine to test devices with: the unpacked kernel, drivers, and programs such as fio.
    ///
    /// - Parameter command: what its command line begins with, a command that runs another.
    convenience init(
        memory: String = "256M", cpus: Int = 1, devices: [String], in namespace: NetworkNamespace? = nil,
        under command: [String] = []
    ) throws {
        try self.init(
            .vmlinuxByPVH, archives: [.modules, .tools], commandLine: "quiet",
            flags: ["--cpus", "\(cpus)", "--memory", memory] + devices, in: namespace,
            under: command)
        try waitForShell()
        // Else the shell breaks what is typed into lines, and no longer as it was typed.
        _ = try run("stty cols 1000")
    }

    /// A machine that is looked into: it has drivers, and `report` to tell of itself.
    convenience init(reporting image: Image, cpus: Int, commandLine: String) throws {
        try self.init(
            image, archives: [.modules, .report], commandLine: commandLine,
            flags: ["--cpus", "\(cpus)", "--memory", "256M"])
    }

    /// What is put behind the initial RAM disk.
    private enum Archive: String {
        case modules = "modules.cpio"
        case tools = "tools.cpio"
        case report = "report.cpio"
    }

    private init(
        _ image: Image, archives: [Archive], commandLine: String, flags: [String],
        in namespace: NetworkNamespace? = nil, under command: [String] = []
    ) throws {
        directory = try TemporaryDirectory()
        var initrd = Lab.guest("initramfs.cpio")
        if !archives.isEmpty {
            // Archives are unpacked one after the other.
            var whole = Data()
            for part in [initrd] + archives.map({ Lab.guest($0.rawValue) }) {
                whole += try Data(contentsOf: URL(filePath: part))
            }
            initrd = directory.path + "/initrd"
            try whole.write(to: URL(filePath: initrd))
        }
        let directory = directory
        start = {
            try Lab.start(
                command + [
                    TestHost.buildDirectory + "/roost", "run", Lab.guest(image.file), "--initrd", initrd,
                    "--name", Self.name, "--grace", "120", "--cmdline", "console=ttyS0 \(commandLine)",
                ] + image.flags + flags,
                environment: Self.environment(directory), input: .pipe, in: namespace)
        }
        process = try start()
        watched = WatchedMachine(name: Self.name, runDirectory: directory.path + "/run")
        watched.watch()
    }

    deinit {
        watched.unwatch()
    }

    private static func environment(_ directory: TemporaryDirectory) -> [String: String] {
        ["ROOST_RUN_DIR": directory.path + "/run"]
    }

    /// Waits for the shell's prompt, for that of a second start if need be.
    ///
    /// One boot in some hundred fails under QEMU's emulation of nested SVM, which then executes the guest's
    /// code wrongly (docs/lab.md). It is reported, with what the machine was doing, as an issue that is known;
    /// twice in succession it is one of ours.
    func waitForShell() throws {
        var isThere = false
        withKnownIssue("the emulation under the lab executed a guest's code wrongly", isIntermittent: true) {
            try waitForPrompt()
            isThere = true
        }
        if isThere { return }
        process.signal(9)
        try process.finish()
        process = try start()
        seen = 0
        do {
            try waitForPrompt()
        } catch let stillness as StandStill {
            // It had its second chance.
            throw TestFailure(stillness.description)
        }
    }

    /// Types a command and answers what it printed, without its echo.
    func run(_ command: String) throws -> String {
        try process.type(command + "\n")
        let text = try waitForPrompt()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropFirst().dropLast().joined(separator: "\n")
    }

    /// Types a command that has to succeed, and answers what it printed.
    @discardableResult
    func succeed(_ command: String) throws -> String {
        let text = try run("\(command); echo status $?")
        guard let end = text.range(of: "status ", options: .backwards), text[end.upperBound...] == "0" else {
            throw TestFailure("the guest's command '\(command)' failed: \(text)")
        }
        return text[..<end.lowerBound].trimmingCharacters(in: .newlines)
    }

    /// A command's output that has to be a number.
    func number(_ command: String) throws -> Int {
        let text = try succeed(command)
        guard let number = Int(text) else { throw TestFailure("'\(command)' printed no number: \(text)") }
        return number
    }

    /// Runs `roost` on the host with this machine in its run directory, and answers what it printed.
    @discardableResult
    func roost(_ arguments: String...) throws -> String {
        try Lab.succeeded(try startRoost(arguments), arguments)
    }

    /// Starts `roost` on the host with this machine in its run directory.
    func startRoost(_ arguments: [String]) throws -> ChildProcess {
        // Profiles of kernels are kept with the machine, so that each test finds its kernel itself once.
        let environment = Self.environment(directory).merging(["XDG_CACHE_HOME": directory.path + "/cache"]) {
            $1
        }
        return try Lab.start([Lab.optimized("roost")] + arguments, environment: environment)
    }

    /// Whether the machine has come so far that others can ask it.
    var answers: Bool { directory.contents(of: "run/\(Self.name)").contains("control.sock") }

    /// Waits for its end. A guest that crashed is an error with the crash's report, by which the emulation's own faults
    /// are known (`OnceMoreAfterStandStill`).
    func finish() throws -> ChildProcess.Status {
        let status = try process.finish()
        guard !process.errors.contains("the guest crashed") else { throw TestFailure(process.errors.text) }
        return status
    }

    /// Switches it off from inside and checks that it ended well.
    func powerOff(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try process.type("poweroff\n")
        #expect(try finish() == .exited(0), sourceLocation: sourceLocation)
        #expect(process.errors.text == "", sourceLocation: sourceLocation)
    }

    /// What came up to the next prompt, prompt included, with plain new lines.
    @discardableResult
    private func waitForPrompt() throws -> String {
        var text = ""
        try process.wait(for: "the prompt") {
            let new = String(decoding: process.output[seen...].filter { $0 != 13 }, as: UTF8.self)
            guard new.contains(Self.prompt) else { return false }
            text = new
            return true
        }
        seen = process.output.count
        return text
    }
}

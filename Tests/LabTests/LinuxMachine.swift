import Foundation
import MachineTesting
import Testing

/// Whether this is the lab, where stock Linux guests run.
let isLab = ProcessInfo.processInfo.environment["ROOST_LAB"] == "1"
let notLab: Comment = "stock Linux guests need scripts/lab, where scripts/test runs these"

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

    let process: ChildProcess
    private let directory: TemporaryDirectory
    private var seen = 0

    static let prompt = "guest# "

    /// - Parameter modules: whether the archive with drivers is put behind the initial RAM disk.
    init(_ image: Image, cpus: Int = 1, commandLine: String = "quiet", modules: Bool = false) throws {
        directory = try TemporaryDirectory()
        let guest = TestHost.root + "/.build/lab/guest"
        var initrd = guest + "/initramfs.cpio"
        if modules {
            // Archives are unpacked one after the other.
            let archives = try ["initramfs.cpio", "modules.cpio"].map {
                try Data(contentsOf: URL(filePath: "\(guest)/\($0)"))
            }
            initrd = try directory.write([UInt8](archives[0] + archives[1]), to: "initrd")
        }
        process = try ChildProcess(
            TestHost.buildDirectory + "/roost",
            [
                "run", "\(guest)/\(image.file)", "--initrd", initrd, "--cpus", "\(cpus)", "--memory", "256M",
                "--name", "linux", "--grace", "120", "--cmdline", "console=ttyS0 \(commandLine)",
            ] + image.flags,
            environment: ["ROOST_RUN_DIR": directory.path + "/run"], input: .pipe)
    }

    /// Waits for the shell's prompt.
    func waitForShell() throws {
        try waitForPrompt()
    }

    /// Types a command and answers what it printed, without its echo.
    func run(_ command: String) throws -> String {
        try process.type(command + "\n")
        let text = try waitForPrompt()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropFirst().dropLast().joined(separator: "\n")
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

import Foundation
import GuestMemory
import MachineTesting
import Testing
import X86

@testable import Boot

/// The tables against the reference compiler `iasl` (package acpica-tools): it takes each apart,
/// compiles the text again, and must have nothing to remark and come to the same bytes.
@Suite("ACPI tables, by the reference compiler")
struct ACPICompilerTests {
    static let windows = (0..<3).map { index in
        VirtioMMIOWindow(
            base: PCPlatform.virtioWindowBase + UInt32(index) * PCPlatform.virtioWindowSize,
            interrupt: PCPlatform.firstVirtioInterrupt + UInt32(index))
    }
    static let configurations = [1, 2, 16, 300].flatMap { count in
        [
            ACPIConfiguration(processorCount: count),
            ACPIConfiguration(processorCount: count, virtioWindows: windows, hasProcessorDevices: true),
            ACPIConfiguration(
                processorCount: count, virtioWindows: windows, hasSerialPort: false, hasClock: false,
                powerButtonInterrupt: 20),
        ]
    }

    @Test("are taken apart and compiled again to the same bytes without a remark", arguments: configurations)
    func compile(configuration: ACPIConfiguration) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "roost-acpi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        let tables = try ACPITables(configuration).tables(at: LowMemory.acpiTables.rawValue)
        // The root pointer is no table of a kind that the compiler compiles again.
        for table in tables where table.signature != "RSDP" {
            let name = table.signature
            try Data(table.bytes).write(to: folder.appending(path: "\(name).aml"))
            let disassembly = try compiler(["-d", "\(name).aml"], in: folder)
            #expect(!disassembly.localizedCaseInsensitiveContains("warning"), "\(name): \(disassembly)")
            let report = try compiler(["-p", "\(name)-again", "\(name).dsl"], in: folder)
            #expect(report.contains("0 Errors, 0 Warnings, 0 Remarks"), "\(name): \(report)")
            let again = [UInt8](try Data(contentsOf: folder.appending(path: "\(name)-again.aml")))
            #expect(Self.withoutCompiler(again) == Self.withoutCompiler(table.bytes), "\(name) differs")
        }
    }

    /// A table without what names its compiler: that one's identifier and version, and the checksum,
    /// which covers them.
    static func withoutCompiler(_ table: [UInt8]) -> [UInt8] {
        var table = table
        for index in [9] + Array(28..<36) where index < table.count {
            table[index] = 0
        }
        return table
    }

    /// Runs iasl and returns what it says.
    @discardableResult
    private func compiler(_ arguments: [String], in folder: URL) throws -> String {
        // Foundation's own way to start one reads past its buffer when many files are open (the address sanitizer).
        let process = try ChildProcess("/usr/bin/env", ["--chdir=\(folder.path)", "iasl"] + arguments)
        let status = try process.finish()
        let text = process.output.text + process.errors.text
        #expect(
            status == .exited(0),
            "iasl \(arguments.joined(separator: " ")) failed; if it is missing, install acpica-tools:\n\(text)"
        )
        return text
    }
}

import Foundation
import MachineTesting
import Testing

/// One run of the `roost` that was built beside this test bundle.
struct RoostProcess {
    let output: String
    let errors: String
    let status: Int32

    /// Runs `roost` with arguments to its end. It starts no resource manager, unless `ROOST_UNMANAGED` is set to nothing.
    init(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws {
        let process = Process()
        process.executableURL = Self.buildDirectory.appending(path: "roost")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(["ROOST_UNMANAGED": "1"]) { $1 }.merging(environment) { $1 }
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try withNoProcessBeingStarted { try process.run() }
        // All texts here are smaller than a pipe, so that writing first cannot block.
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let errorBytes = stderr.fileHandleForReading
        output = String(decoding: try stdout.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        errors = String(decoding: try errorBytes.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }

    /// Where SwiftPM puts executables: the directory of the test bundle.
    static var buildDirectory: URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }
}

/// A directory that is gone after the test.
func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
}

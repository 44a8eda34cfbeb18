import MachineTesting
import Testing

extension RoostHost {
    /// Runs `roost` to its end and expects that it refuses: see `Finished.expectRefusal`. What runs, runs on, and
    /// nothing else is left behind.
    func expectRefusal(
        _ arguments: [String], status: Int32, naming parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = leftovers
        let run = try Finished(try start(arguments))
        run.expectRefusal(status: status, naming: parts, sourceLocation: sourceLocation)
        #expect(leftovers == before, "the run directory is as it was", sourceLocation: sourceLocation)
    }
}

extension Finished {
    /// Expects what every refusal has in common: no output, one line that says why, and the exit code for it.
    func expectRefusal(
        status expected: Int32, naming parts: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(output == "", sourceLocation: sourceLocation)
        #expect(
            errorLines.count == 1 && errors.hasSuffix("\n"), "\(errors)", sourceLocation: sourceLocation)
        #expect(
            errors.hasPrefix("roost") && errors.contains(": error: "), "\(errors)",
            sourceLocation: sourceLocation)
        for part in parts { #expect(errors.contains(part), "\(errors)", sourceLocation: sourceLocation) }
        #expect(status == .exited(expected), "\(errors)", sourceLocation: sourceLocation)
    }
}

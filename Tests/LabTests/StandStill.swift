import Foundation
import MachineTesting
import Synchronization
import Testing

/// Why a test could not go on: its guest stood still. One of its virtual CPUs wants to run and does not come by a
/// single instruction, though KVM enters it again and again. No device can do that to a guest; the emulation under
/// the lab does it now and then (docs/lab.md).
struct StandStill: Error, CustomStringConvertible {
    let description: String

    /// How often a machine is looked at, and how many seconds lie between two looks.
    static let looks = 4
    static let seconds = 2

    /// Makes the error of a wait that has reached its limit, with what is known of all machines that run: a stand-still
    /// if one of them stands still.
    static func judge(_ failure: TestFailure) -> any Error {
        let evidence = WatchedMachine.all.map { machine in
            var looks: [MachineLook] = []
            for number in 0..<Self.looks {
                if number > 0 { Thread.sleep(forTimeInterval: TimeInterval(Self.seconds)) }
                looks.append(machine.look())
            }
            let still = Self.processors(in: looks)
            var text =
                "\(machine.name), looked at \(Self.looks) times in \(Self.seconds * (Self.looks - 1)) s: "
            text += still.isEmpty ? "does not stand still" : "processor \(still) stands still"
            let details = [MachineLook.describe(looks), machine.processes(), KVMTrace.ofAMoment()]
            text += "\n" + details.joined(separator: "\n")
            return (text, isStill: !still.isEmpty)
        }
        let text = ([failure.description] + evidence.map(\.0)).joined(separator: "; ")
        return evidence.contains(where: \.isStill) ? StandStill(description: text) : TestFailure(text)
    }

    /// The virtual CPUs that stand still, as one sees who looks at their machine several times: they are runnable, and
    /// KVM enters them again and again, if only after a timer interrupt of the lab's; but not one of their registers
    /// changes, and not one of their exits reaches Roost. A guest that waits for a device changes registers, or exits,
    /// or halts; one whose exit Roost does not come to an end with is not entered. A guest that jumps to itself for ever
    /// looks the same: it does so the second time too.
    static func processors(in looks: [MachineLook]) -> [Int] {
        guard looks.count > 1, let first = looks.first else { return [] }
        return first.processors.keys.sorted().filter { number in
            let all = looks.map { $0.processors[number] }
            guard let before = all[0], before.isRunnable, let after = all[looks.count - 1] else {
                return false
            }
            // Each look interrupts it, which is an exit or a few.
            let entries = (after.kvm["exits"] ?? 0) - (before.kvm["exits"] ?? 0)
            return entries > 20 * looks.count
                && all.allSatisfy { $0?.registers == before.registers && $0?.exits == before.exits }
        }
    }
}

/// Runs a test of the lab once more whose guest stood still. The first time is an issue that is known, with its
/// evidence; a second time is a failure, and so is every other issue of either run.
struct OnceMoreAfterStandStill: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let stoodStill = Mutex(false)
        try await withKnownIssue("the emulation under the lab let a guest stand still", isIntermittent: true)
        {
            try await function()
        } matching: { issue in
            // A processor at the reset vector in the middle of a run: no device of Roost's sends a guest there, and a
            // guest that does it itself does it the second time too.
            let isReset = (issue.error as? TestFailure).map { failure in
                failure.description.contains("the guest crashed: triple fault on virtual CPU")
                    && failure.description.contains("at rip 0xfff0\n")
            }
            guard issue.error is StandStill || isReset == true else { return false }
            stoodStill.withLock { $0 = true }
            return true
        }
        if stoodStill.withLock({ $0 }) { try await function() }
    }
}

import MachineTesting
import Testing

@testable import Machine

@Suite("Reasons to stand still")
struct PauseReasonsTests {
    @Test("There is a reason as long as one is left, and each hold ends once")
    func counting() {
        var reasons = PauseReasons(isAskedFor: false)
        #expect(!reasons.isAny)
        let first = reasons.hold()
        let second = reasons.hold()
        #expect(first != second && reasons.holds == 2 && reasons.isAny)
        #expect(reasons.end(first) && !reasons.end(first))
        #expect(reasons.isAny && !reasons.contains(first) && reasons.contains(second))
        reasons.isAskedFor = true
        #expect(reasons.end(second) && reasons.isAny && reasons.holds == 0)
        reasons.isAskedFor = false
        #expect(!reasons.isAny)
    }

    @Test("What was forgotten is not taken for what came after it")
    func removal() {
        var reasons = PauseReasons(isAskedFor: true)
        let old = reasons.hold()
        reasons.removeAll()
        #expect(!reasons.isAny && !reasons.contains(old))
        let new = reasons.hold()
        #expect(!reasons.end(old) && reasons.contains(new) && reasons.isAny)
    }
}

@Suite("Holding a machine", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct PauseHoldTests {
    /// Holds the machine, and lets go at the end by forgetting the hold.
    private func isHeldNow(_ machine: Machine) -> Bool {
        guard let hold = machine.hold() else { return false }
        // The hold is used last: it lives no longer than it is used.
        return machine.isPaused && hold.isInForce
    }

    @Test("It stands still as long as the hold exists, and no longer")
    func scope() throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1") { machine in
            try machine.wait(forOutput: "spin cpu=0 ")
            #expect(isHeldNow(machine))
            #expect(!machine.isPaused && machine.holds == 0)
            _ = machine.drain()
            try machine.wait(forOutput: "spin cpu=0 ")
            #expect(machine.pause())
            #expect(isHeldNow(machine))
            #expect(machine.isPaused, "the pause that was asked for is in force")
            machine.resume()
            #expect(!machine.isPaused)
        }
    }

    @Test("A guest that must run to power off runs, whoever holds it, and who does learns it")
    func endAll() throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1") { machine in
            try machine.wait(forOutput: "spin cpu=0 ")
            guard let hold = machine.hold() else { throw TestFailure("no hold") }
            machine.pause()
            machine.resume()
            #expect(machine.isPaused)
            machine.endAllPauses()
            #expect(!machine.isPaused && !hold.isInForce)
            _ = machine.drain()
            try machine.wait(forOutput: "spin cpu=0 ")
            #expect(machine.pause())
            #expect(!hold.release() && machine.isPaused, "the end of an old hold is no resume")
            machine.finish(.reset)
            #expect(!isHeldNow(machine), "there is nothing to hold")
        }
    }
}

import Foundation
import MachineTesting
import Testing

extension LabSuite {
    /// A look that keeps a stock guest still keeps it no longer than it lives.
    @Suite("Looks that are killed", .serialized)
    struct KilledLookTests {
        @Test("The guest goes on when a look that keeps it still is killed, unless it was paused before")
        func killed() throws {
            let linux = try LinuxMachine(reporting: .bzImage, cpus: 2, commandLine: "quiet loglevel=0")
            try linux.waitForShell()
            // The kernel's profile is kept: from now on a look begins at once.
            _ = try linux.paused("ps")
            for _ in 0..<3 {
                try killAmidLook(linux)
                #expect(try linux.number("echo $((20 + 1))") == 21, "the guest answers")
            }
            #expect(try linux.roost("pause", LinuxMachine.name) == "\(LinuxMachine.name): paused\n")
            let look = try GuestLook(linux, ["os", "--pause"])
            #expect(look.status == .exited(0) && !look.output.contains("stood still"), "\(look.output)")
            #expect(
                try linux.roost("resume", LinuxMachine.name) == "\(LinuxMachine.name): running\n",
                "it was paused until now")
            try linux.powerOff()
        }

        private func killAmidLook(_ linux: LinuxMachine) throws {
            let look = try linux.startRoost([
                "inspect", LinuxMachine.name, "ps", "--pause", "--watch", "1s",
            ])
            try look.wait(for: "a guest that stands still") { try linux.isPaused }
            look.signal(SIGKILL)
            #expect(try look.finish() == .killed(signal: SIGKILL))
            try linux.process.wait(for: "a guest that goes on") { try !linux.isPaused }
        }
    }
}

extension LinuxMachine {
    fileprivate var isPaused: Bool {
        get throws { try roost("ps").contains(" paused ") }
    }
}

import Foundation
import MachineTesting
import Testing

extension LabSuite {
    @Suite("A guest that stands still", .serialized)
    struct StandStillTests {
        /// What a guest does for ever, and whether that is a stand-still.
        enum Guest: String, CaseIterable, CustomTestStringConvertible {
            case jumpsToItself, counts, halts, readsAPort

            /// 64-bit code, with interrupts off.
            var code: [UInt8] {
                switch self {
                case .jumpsToItself: [0xFA, 0xEB, 0xFE]  // cli; jmp .
                case .counts: [0xFA, 0x48, 0xFF, 0xC0, 0xEB, 0xFB]  // cli; again: inc rax; jmp again
                case .halts: [0xFB, 0xF4, 0xEB, 0xFD]  // sti; again: hlt; jmp again
                case .readsAPort: [0xFA, 0xE4, 0x80, 0xEB, 0xFC]  // cli; again: in al, 0x80; jmp again
                }
            }

            var testDescription: String { rawValue }
        }

        @Test("is told from one that counts, halts or waits for a device", arguments: Guest.allCases)
        func judgement(guest: Guest) throws {
            let directory = try TemporaryDirectory()
            let kernel = try directory.write(SmallKernel(code: guest.code).bytes, to: "kernel")
            let runDirectory = directory.path + "/run"
            let machine = try ChildProcess(
                TestHost.buildDirectory + "/roost",
                ["run", kernel, "--boot-protocol", "linux64", "--name", "small", "--memory", "32M"],
                environment: ["ROOST_RUN_DIR": runDirectory])
            let watched = WatchedMachine(name: "small", runDirectory: runDirectory)
            try machine.wait(for: "a guest that has begun") {
                let address = watched.look().processors[0]?.registers["rip"]
                return address == .text("0x100001") || guest != .jumpsToItself && address != nil
            }
            watched.watch()
            defer { watched.unwatch() }
            let error = StandStill.judge(TestFailure("too late"))
            let report = "\(error)"
            #expect((error is StandStill) == (guest == .jumpsToItself), "\(report)")
            #expect(report.contains("too late"))
            #expect(report.contains("processor 0, by KVM: "))
            if guest == .jumpsToItself {
                #expect(report.contains("processor 0, code: fa : eb fe"), "\(report)")
                #expect(report.contains("kvm_exit"), "\(report)")
            }
            machine.signal(9)
            #expect(try machine.finish() == .killed(signal: 9))
        }
    }
}

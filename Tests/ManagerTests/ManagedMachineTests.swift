import HostControl
import HostSystem
import MachineTesting
import Resources
import Testing

@testable import Manager

@Suite("A machine that is looked after")
struct ManagedMachineTests {
    /// A machine that has ended, and whose number means another process by now.
    private func machine(of living: ChildProcess) throws -> ManagedMachine {
        let ended = try ChildProcess("/bin/sleep", ["600"])
        let handle = try OtherProcess(ended.process)
        ended.signal(9)
        _ = try ended.finish()
        return ManagedMachine(
            name: try VMName("gone"), group: "gone@test", handle: handle, process: living.process,
            virtualCPUs: 1)
    }

    private func groups(of process: Int32) throws -> String {
        let file = try OwnedDescriptor.open("/proc/\(process)/cgroup", 0)
        return String(decoding: try DescriptorIO.readAll(file.number, limit: 1 << 16), as: UTF8.self)
    }

    @Test(
        "Its number may mean another process once it has ended: that one is neither moved, held, set nor read"
    )
    func reusedNumber() throws {
        let living = try ChildProcess("/bin/sleep", ["600"])
        defer { living.signal(9) }
        let before = try groups(of: living.process)
        let control = try CPUControl(HostCapabilities.discover(), parent: "roost-test-\(living.process)")
        defer { _ = try? control.end() }
        let machine = try machine(of: living)
        #expect { try machine.adopt(by: control) } throws: { Self.isEnd($0) }
        #expect(try groups(of: living.process) == before)
        let all = try ThreadScheduling.processors(of: living.process)
        #expect {
            try machine.place([0], of: [ProcessorSet(all.numbers.prefix(1))], all: all)
        } throws: {
            Self.isEnd($0)
        }
        machine.mayBeHeld = true
        #expect { try machine.letGo() } throws: { Self.isEnd($0) }
        #expect(try ThreadScheduling.processors(of: living.process) == all)
        #expect(try control.machines().isEmpty)
    }

    private static func isEnd(_ error: any Error) -> Bool {
        if case .ended? = error as? HostControlError { true } else { false }
    }
}

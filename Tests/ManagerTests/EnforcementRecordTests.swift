import HostControl
import HostSystem
import MachineTesting
import Resources
import Testing

@testable import Manager

@Suite("What is said to be in force")
struct EnforcementRecordTests {
    private let processors = ProcessorSet([0])

    private func machine(_ process: Int32) throws -> ManagedMachine {
        ManagedMachine(
            name: try VMName("a"), group: "a", handle: try OtherProcess(process), process: process,
            virtualCPUs: 1)
    }

    /// Whatever this host divides by, or nothing: without a group, nothing of it reaches the machine.
    @Test(
        "nothing, as long as the machine has no group, whatever was decided",
        arguments: [CPUMechanism.cgroupV1, .cgroupV2, .sessions(lowest: 0)])
    func withoutGroup(_ mechanism: CPUMechanism) throws {
        let machine = try machine(HostProcess.identifier)
        try machine.apply(CPUSettings(weight: 5))
        #expect(machine.inForce == nil)
        let said = Enforcement(mechanism: mechanism, processors: processors).description(of: machine)
        #expect(said?.contains("Nothing is in force") == true)
    }

    @Test("what its group was set to, as soon as it has one, and not what was wished for since in vain")
    func withGroup() throws {
        let found = HostCapabilities.discover()
        let control = try CPUControl(found, parent: "roost-test-\(HostProcess.identifier)-record")
        let sleeper = try ChildProcess("/bin/sh", ["-c", "echo ready; read end"], input: .pipe)
        try sleeper.wait(forOutput: "ready")
        let machine = try machine(sleeper.process)
        try machine.adopt(by: control)
        let enforcement = Enforcement(mechanism: found.mechanism, processors: processors)
        #expect(machine.inForce == nil)
        // Nothing was applied.
        #expect(enforcement.description(of: machine)?.hasPrefix("In force") != true)
        let weight = try #require(found.mechanism.weights?.upperBound)
        while machine.inForce == nil { try machine.apply(CPUSettings(weight: weight)) }
        let said = try #require(enforcement.description(of: machine))
        #expect(said.hasPrefix("In force by \(found.mechanism): ") && said.contains(" \(weight), no quota"))
        #expect(throws: HostControlError.self) { try machine.apply(CPUSettings(weight: weight + 1)) }
        #expect(enforcement.description(of: machine)?.contains(" \(weight + 1)") != true)
        sleeper.signal(9)
        _ = try sleeper.finish()
        _ = try machine.release()
        try control.sweep()
        try control.end()
    }
}

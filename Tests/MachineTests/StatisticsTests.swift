import MachineTesting
import Specification
import Stats
import Testing

@testable import Machine

@Suite("What a machine counts", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct StatisticsTests {
    @Test("Each exit is counted once, under its reason and its virtual CPU")
    func exits() throws {
        let directory = try TemporaryDirectory()
        let kernel = try directory.write(
            SmallKernel.readingNothing(times: 1000, thenExitingWith: 0).bytes, to: "kernel")
        try withMachine(kernel: kernel, cpus: 2) { machine in
            _ = try machine.waitForEnd()
            let first = machine.statistics.processor(0)
            let second = machine.statistics.processor(1)
            let shape = ProcessorShape.usual
            #expect(first[shape.memoryReads].value == 1000)
            #expect(first[shape.portWrites].value == 1, "the end's own")
            #expect(first[shape.portReads].value == 0 && first[shape.memoryWrites].value == 0)
            #expect(first[shape.others].value == 0)
            #expect(first[shape.thread].value != second[shape.thread].value)
            for slot in [shape.memoryReads, shape.portWrites, shape.portReads, shape.others] {
                #expect(second[slot].value == 0)
            }
            #expect(
                machine.statistics.page[MachineShape.section]?[MachineShape.usual.configuredMemory].value
                    == 32 << 20)
        }
    }

    @Test("A stats page that a killed machine left is replaced, one that cannot be made is an error")
    func page() throws {
        let directory = try TemporaryDirectory()
        var spec = MachineSpec(name: "vm", kernel: try TestHost.guest("first"))
        spec.memory = .mebibytes(32)
        let path = try directory.write([1, 2, 3], to: "stats")
        let machine = try Machine(spec, statsPath: path)
        var reader = try StatsReader(path)
        #expect(try reader.snapshot()["machine"]?["memory.configured"] == 32 << 20)
        machine.finish(.powerOff)
        let error = #expect(throws: MachineError.self) {
            _ = try Machine(spec, statsPath: directory.path + "/none/stats")
        }
        #expect(error?.exitCode == .cantCreate)
        #expect(error?.description.contains("/none/stats") == true)
    }
}

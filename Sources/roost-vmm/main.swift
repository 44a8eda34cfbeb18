internal import HostSystem
internal import Machine
internal import Specification

// The worker: one process, one machine. `roost run` becomes it by exec and hands it the validated
// specification on a descriptor: `roost-vmm --name NAME --spec-fd N`. --name only shows in `ps`. A detached
// machine has `--ready-fd N` besides, where `roost run -d` waits for its start.

/// A descriptor from the command line.
func descriptor(_ flag: String, _ arguments: [String]) -> OwnedDescriptor? {
    guard let flag = arguments.firstIndex(of: flag), flag + 1 < arguments.count,
        let number = Int32(arguments[flag + 1]), number > 2
    else { return nil }
    return OwnedDescriptor(takingOver: number)
}

func fail(_ message: String, _ code: ExitCode) -> Never {
    DescriptorIO.writeToStandardError("roost-vmm: error: \(message)\n")
    HostProcess.exit(code.status)
}

func readSpecification(_ arguments: [String]) -> (MachineSpec, text: [UInt8]) {
    do {
        guard let descriptor = descriptor("--spec-fd", arguments) else {
            fail("it is started by `roost run`, with --spec-fd and an open descriptor", .usage)
        }
        let text = try DescriptorIO.readAll(descriptor.number, limit: 1 << 20)
        return (try MachineSpec(jsonText: text), text)
    } catch let error as SpecError {
        fail("the specification is no good: \(error)", .dataError)
    } catch {
        fail("the specification cannot be read: \(error)", .noInput)
    }
}

HostProcess.fillStandardDescriptors()
HostProcess.shareHeap()
let (spec, text) = readSpecification(CommandLine.arguments)
Supervisor.run(spec, text: text, ready: descriptor("--ready-fd", CommandLine.arguments))

internal import HostSystem
internal import Specification

// `roost run -d`: the worker in a session of its own, without the terminal.
extension Worker {
    /// Starts the worker and waits until the guest runs.
    ///
    /// It has this process's standard error until then, so that it tells itself what is wrong.
    /// - Parameter started: is told the worker's process before the guest runs.
    /// - Returns: the worker's exit status if it ended instead; nil if the machine runs.
    static func start(
        running spec: MachineSpec, started: (Int32) throws(CommandFailure) -> Void
    ) throws(CommandFailure) -> Int32? {
        let path = try find()
        let (process, ends) = try spawn(path, spec)
        let ready = OwnedDescriptor(takingOver: ends)
        do {
            try started(process)
        } catch {
            DetachedProcess.kill(process)
            throw error
        }
        do throws(SystemError) {
            let byte = try DescriptorIO.readAll(ready.number, limit: 1, operation: "wait for the machine")
            return byte.isEmpty ? DetachedProcess.status(of: process) : nil
        } catch {
            throw CommandFailure(.osError, error)
        }
    }

    /// - Returns: the worker's process, and the reading end of the pipe on which it says that the guest runs.
    private static func spawn(_ path: String, _ spec: MachineSpec) throws(CommandFailure) -> (Int32, Int32) {
        do throws(SystemError) {
            let memory = try memoryFile(holding: Array(spec.jsonText().utf8))
            let ends = try DetachedProcess.pipe()
            // The worker's is the only writing end soon, so that its end is seen.
            let writer = OwnedDescriptor(takingOver: ends.writer)
            let first = DetachedProcess.firstDescriptor
            let process = try DetachedProcess.spawn(
                path,
                [name, "--name", spec.name, "--spec-fd", "\(first)", "--ready-fd", "\(first + 1)"],
                descriptors: [memory.number, writer.number])
            return (process, ends.reader)
        } catch {
            throw CommandFailure(.osError, error)
        }
    }
}

internal import Glibc
internal import HostSystem

/// A machine of one busy virtual CPU that is held still for a look, as `roost inspect --pause` does it. On a host of
/// two CPUs one is free: else the time from asking to the answer would be the wait for a CPU, while the guest runs.
///
/// It is no machine that could be looked into: where this runs KVM may execute no stock kernel. But what a hold costs
/// does not depend on what the guest computes, and what is read meanwhile is a stock guest's memory.
struct HeldMachine: ~Copyable {
    /// The machine, which ends with this value.
    private let process: ChildProcess
    private var control: LineConnection

    /// Starts it, with its files in a directory that the caller removes. Nil if there is no `roost`.
    static func start(_ options: Options, directory: String) throws -> HeldMachine? {
        guard let tool = try Contestant.all(options).first(where: { $0.name == Contestant.commandLineTool })
        else { return nil }
        let name = Contestant.machineName(0)
        let runDirectory = "\(directory)/run"
        var command = tool.command(Workload(kernel: try options.guest("spin"), memoryMiB: 256), name)
        command.words += ["--run-directory", runDirectory]
        let process = try ChildProcess(command)
        let path = "\(runDirectory)/\(name)/control.sock"
        // SAFETY: a C string for the length of the call.
        for _ in 0..<5000 where unsafe access(path, F_OK) != 0 { usleep(1000) }
        return HeldMachine(process, try LineConnection(to: path, of: tool.name))
    }

    private init(_ process: consuming ChildProcess, _ control: consuming LineConnection) {
        self.process = process
        self.control = control
    }

    /// Does the work while it is held.
    mutating func held(_ work: () throws -> Void) throws {
        try ask("hold", expecting: #""changed":true"#)
        try work()
        try ask("release", expecting: #""state":"running""#)
    }

    private mutating func ask(_ method: String, expecting: String) throws {
        try control.send(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)"}"#)
        let answer = String(decoding: try control.next(), as: UTF8.self)
        guard answer.contains(expecting) else {
            throw BenchmarkError.contestant(method, "answered \(answer)")
        }
    }
}

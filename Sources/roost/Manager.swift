internal import Glibc
internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Specification

/// The resource manager of one run directory, `roostd`, as commands reach it.
struct Manager {
    /// The program that is one.
    static let program = "roostd"
    /// The environment variable that says where the program is.
    static let variable = "ROOSTD"
    private let directory: String
    private let connection: ManagerConnection

    /// The manager that looks after the machines of a run directory.
    init(_ directory: MachineDirectory) {
        self.directory = directory.path
        connection = ManagerConnection(socket: directory.path + "/" + ManagerFiles.socket)
    }

    /// Asks a manager that runs.
    ///
    /// - Throws: what the manager refuses, or that there is none.
    @discardableResult
    func ask(
        _ method: String, _ route: ManagerRoute, _ body: JSONValue? = nil
    ) throws(CommandFailure) -> JSONValue {
        guard let answer = try askIfRunning(method, route, body) else { throw isMissing }
        return answer
    }

    /// That there is no manager to ask.
    var isMissing: CommandFailure {
        CommandFailure(
            .unavailable,
            "no resource manager runs for \(directory): 'roost run' starts one with the first machine")
    }

    /// As `ask`; nil if no manager runs.
    func askIfRunning(
        _ method: String, _ route: ManagerRoute, _ body: JSONValue? = nil
    ) throws(CommandFailure) -> JSONValue? {
        let answer: ManagerConnection.Answer
        do {
            answer = try connection.ask(method, route.path, body)
        } catch  where error.number == ENOENT || error.number == ECONNREFUSED {
            return nil
        } catch {
            throw CommandFailure(
                error.isPermission ? .noPermission : error.number == ETIMEDOUT ? .tempFail : .ioError, error)
        }
        return try Self.content(answer)
    }

    /// As `ask`; starts a manager if none runs.
    @discardableResult
    func askStarting(
        _ method: String, _ route: ManagerRoute, _ body: JSONValue? = nil
    ) throws(CommandFailure) -> JSONValue {
        if let answer = try askIfRunning(method, route, body) { return answer }
        try start()
        let deadline = HostClock.monotonicNanoseconds() + ManagerConnection.patienceMilliseconds * 1_000_000
        while true {
            if let answer = try askIfRunning(method, route, body) { return answer }
            // Another may have won the race to start, and not listen yet.
            guard HostClock.monotonicNanoseconds() < deadline else {
                throw CommandFailure(
                    .unavailable,
                    "the resource manager does not start: see \(directory)/\(ManagerFiles.log)")
            }
            var pause = PollSet()
            // A signal ends the pause sooner, no harm done.
            _ = try? pause.wait(timeoutMilliseconds: 5)
        }
    }

    /// Starts a manager and waits until it listens, or has ended because another runs.
    private func start() throws(CommandFailure) {
        let path = try InstalledProgram.find(Self.program, variable: Self.variable)
        do throws(SystemError) {
            try Self.makeDirectories(directory)
            let ends = try DetachedProcess.pipe()
            let reader = OwnedDescriptor(takingOver: ends.reader)
            let writer = OwnedDescriptor(takingOver: ends.writer)
            let process = try DetachedProcess.spawn(
                path,
                [
                    Self.program, "--run-directory", directory, "--background",
                    "--ready-fd", "\(DetachedProcess.firstDescriptor)",
                ], descriptors: [writer.number])
            _ = consume writer
            var events = PollSet()
            events.watch(reader.number, for: .readable)
            // It goes to the background by itself, so that it is nobody's child: least of all a machine's,
            // which this process may become.
            _ = DetachedProcess.status(of: process)
            try events.wait(timeoutMilliseconds: Int32(ManagerConnection.patienceMilliseconds))
        } catch {
            throw CommandFailure(.osError, error)
        }
    }

    private static func makeDirectories(_ path: String) throws(SystemError) {
        do {
            try FileTree.makePrivateDirectory(path)
        } catch  where error.number == ENOENT {
            // The run directory's parent is there, or it is named wrongly.
            throw SystemError("make the run directory \(path)", number: error.number)
        }
    }

    /// What an answer holds, or the problem it tells of.
    private static func content(_ answer: ManagerConnection.Answer) throws(CommandFailure) -> JSONValue {
        if answer.status == 204 { return .null }
        let json: JSONValue
        do {
            // As long as it may be: all of it is here already.
            json = try JSONValue(text: answer.body, sizeLimit: answer.body.count)
        } catch {
            // The journal is text.
            if (200..<300).contains(answer.status) {
                return .string(String(decoding: answer.body, as: UTF8.self))
            }
            throw CommandFailure(.software, "the resource manager answers \(answer.status) with no JSON")
        }
        guard !(200..<300).contains(answer.status) else { return json }
        guard let problem = ManagerProblem(json: json) else {
            throw CommandFailure(.software, "the resource manager answers \(answer.status)")
        }
        throw CommandFailure(problem)
    }
}

extension CommandFailure {
    /// What the manager refused.
    init(_ problem: ManagerProblem) {
        let code: Specification.ExitCode =
            switch problem.kind {
            case .invalid: .usage
            case .noSuchMachine, .noSuchPool: .noInput
            case .exists: .tempFail
            case .notEmpty, .admissionRefused: .unavailable
            case .overloaded: .tempFail
            case .badRequest, .notFound, .tooLarge, .failed: .software
            }
        self.init(code, problem.detail)
        self.problem = problem.kind
    }
}

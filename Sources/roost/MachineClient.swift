internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import JSONText
internal import Specification

/// A connection to a running machine's control socket.
final class MachineClient {
    let name: String
    private let descriptor: OwnedDescriptor
    private var input = LineCutter(limit: JSONValue.standardSizeLimit)

    /// How long a machine may take to answer: its main thread has little else to do.
    static let patienceMilliseconds: UInt64 = 5000

    /// Connects to the machine, which is known to run.
    init(_ entry: MachineDirectory.Entry) throws(CommandFailure) {
        name = entry.name
        let deadline = Self.deadline()
        while true {
            do {
                descriptor = try LocalSocket.connect(to: entry.file(RunFiles.controlSocket))
                return
            } catch {
                // EAGAIN: others wait there too. The rest: it has just been started, or is about to end.
                guard [EAGAIN, ENOENT, ECONNREFUSED].contains(error.number) else {
                    throw CommandFailure(error.isPermission ? .noPermission : .ioError, error)
                }
                guard try entry.isAlive else {
                    throw CommandFailure(.noInput, "the machine \(entry.name) has just ended")
                }
                guard HostClock.monotonicNanoseconds() < deadline else { throw Self.silent(entry.name) }
            }
            var pause = PollSet()
            // A signal ends the pause sooner, no harm done.
            _ = try? pause.wait(timeoutMilliseconds: 5)
        }
    }

    /// The time, by the monotonic clock, until which an answer is waited for from now.
    static func deadline() -> UInt64 { HostClock.monotonicNanoseconds() + patienceMilliseconds * 1_000_000 }

    private static func silent(_ name: String) -> CommandFailure {
        CommandFailure(.tempFail, "the machine \(name) does not respond")
    }

    /// Sends requests at once, numbered from 1.
    func send(_ calls: ControlCall...) throws(CommandFailure) {
        var bytes: [UInt8] = []
        for (index, call) in calls.enumerated() {
            bytes += ControlRequest(id: JSONValue(index + 1), call).line
        }
        do throws(SystemError) {
            // They are few: a connection that does not take them at once is no good.
            guard try LocalSocket.send(bytes[...], to: descriptor) == bytes.count else {
                throw SystemError("ask the machine \(name)", number: EAGAIN)
            }
        } catch  where error.number == EPIPE || error.number == ECONNRESET {
            // It may have said why.
        } catch {
            throw CommandFailure(.ioError, error)
        }
    }

    /// The next answer.
    ///
    /// - Parameter deadline: nil waits for ever.
    func reply(until deadline: UInt64? = deadline()) throws(CommandFailure) -> JSONValue {
        guard let line = try nextLine(until: deadline) else {
            throw CommandFailure(.noInput, "the machine \(name) has ended")
        }
        do {
            return try ControlReply(line: line).outcome.get()
        } catch {
            throw CommandFailure(error, machine: name)
        }
    }

    /// Asks and waits for the answer.
    func ask(_ call: ControlCall) throws(CommandFailure) -> JSONValue {
        try send(call)
        return try reply()
    }

    /// How the machine ended, after `wait` was sent; returns when its name is free again.
    func end() throws(CommandFailure) -> EndReport {
        let report: EndReport
        do {
            report = try EndReport(json: try reply(until: nil))
        } catch let error as ControlError {
            throw CommandFailure(error, machine: name)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.software, "\(error)")
        }
        // The connection closes with the process.
        while try nextLine(until: Self.deadline()) != nil {}
        return report
    }

    /// A line; nil at the end of the connection.
    private func nextLine(until deadline: UInt64?) throws(CommandFailure) -> [UInt8]? {
        do {
            while true {
                if let line = try input.next() { return line }
                var events = PollSet()
                events.watch(descriptor.number, for: .readable)
                let now = HostClock.monotonicNanoseconds()
                if let deadline, now >= deadline { throw Self.silent(name) }
                try events.wait(
                    timeoutMilliseconds: deadline.map { Int32(clamping: ($0 - now) / 1_000_000 + 1) })
                guard !events.readiness(of: descriptor.number).isEmpty,
                    let bytes = try DescriptorIO.read(descriptor.number, limit: min(input.room, 64 << 10))
                else { continue }
                if bytes.isEmpty { return nil }
                input.append(bytes)
            }
        } catch let error as ControlError {
            throw CommandFailure(error, machine: name)
        } catch let error as SystemError where error.number == ECONNRESET {
            return nil
        } catch let error as SystemError {
            throw CommandFailure(.ioError, error)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.software, "\(error)")
        }
    }
}

extension CommandFailure {
    /// What a machine refused.
    init(_ error: ControlError, machine: String) {
        let code: Specification.ExitCode =
            switch error.code {
            case .busy, .notHeld: .tempFail
            case .ended, .noSuchDevice: .noInput
            case .notSupported: .unavailable
            case .invalidParams: .usage
            case .parseError, .invalidRequest, .methodNotFound, .internalError, .badLine: .software
            }
        self.init(code, "\(machine): \(error.message)")
    }
}

/// Does something with each of several machines; what fails with one does not keep the others from it.
func forEachMachine(_ names: [String], _ body: (String) throws -> Void) throws {
    var first: CommandFailure?
    for name in names {
        do {
            try body(name)
        } catch let failure as CommandFailure {
            if names.count == 1 { throw failure }
            _ = Outcome.of(failure, arguments: []).report()
            first = first ?? failure
        }
    }
    // All has been said.
    if let first { Glibc.exit(first.code.status) }
}

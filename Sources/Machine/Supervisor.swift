internal import HostSystem
public import Specification

/// The main thread of `roost-vmm`: makes the machine, carries its console, hears signals, and sees it
/// to its end.
public struct Supervisor: ~Copyable {
    private let spec: MachineSpec
    private let log: MachineLog
    private let machine: Machine
    private let signals: SignalDescriptor
    private let directory: RunDirectory
    private var console: ConsolePump
    /// When a guest that was asked to power off is stopped, and by whose wish.
    private var deadline: (at: UInt64, request: StopRequest)?

    /// Runs a machine from start to end, and ends the process with the status that says how it ended.
    /// Everything a user must know has been printed then.
    ///
    /// - Parameter text: the specification as it came, for the run directory.
    public static func run(_ spec: MachineSpec, text: [UInt8]) -> Never {
        let log = MachineLog(name: spec.name, level: spec.logLevel)
        do {
            var supervisor = try Supervisor(spec, text, log)
            let code = try supervisor.superviseToTheEnd()
            supervisor.directory.remove()
            // Guest memory, machine and threads are the kernel's to take back, all at once.
            HostProcess.exit(code.status)
        } catch {
            Terminal.restore()
            log.error(error.description)
            HostProcess.exit(error.exitCode.status)
        }
    }

    private init(_ spec: MachineSpec, _ text: [UInt8], _ log: MachineLog) throws(MachineError) {
        let signals: SignalDescriptor
        do {
            try SignalDispositions.install()
            signals = try SignalDescriptor([.hangup, .interrupt, .terminate])
        } catch {
            throw .system(error)
        }
        let directory = try RunDirectory.claim(for: spec, text: text)
        let machine = try Machine(spec)
        let console = ConsolePump(try ConsoleEndpoint.open(spec.console), escapeKey: spec.escapeKey.byte)
        if let path = console.pseudoTerminalPath {
            try directory.linkConsole(to: path)
            log.notice("the console is at \(path)")
        }
        self.spec = spec
        self.log = log
        self.signals = signals
        self.directory = directory
        self.machine = machine
        self.console = console
    }

    private mutating func superviseToTheEnd() throws(MachineError) -> ExitCode {
        var failure: MachineError?
        do {
            try machine.start()
            try carryOn()
        } catch {
            machine.finish(.failed(error))
            failure = error
        }
        machine.join()
        console.flush(machine, log, until: signals)
        Terminal.restore()
        if let failure { throw failure }
        return conclude()
    }

    /// Waits and serves until the machine has ended.
    private mutating func carryOn() throws(MachineError) {
        var events = PollSet()
        while machine.end == nil {
            events.removeAll()
            for event in [machine.ended, machine.outputReady, machine.inputWanted] {
                events.watch(event.descriptor, for: .readable)
            }
            events.watch(signals.descriptor.number, for: .readable)
            console.declareInterest(in: &events)
            let now = HostClock.monotonicNanoseconds()
            let times = [deadline?.at, console.nextReview].compactMap(\.self)
            let timeout = times.min().map { Int32(clamping: ($0 - min(now, $0)) / 1_000_000 + 1) }
            do {
                try events.wait(timeoutMilliseconds: timeout)
            } catch {
                throw .system(error)
            }
            console.serve(machine, events, log)
            for command in console.takeCommands() { obey(command) }
            while let signal = signals.next() { stop(for: .signal(signal)) }
            if let deadline, HostClock.monotonicNanoseconds() >= deadline.at {
                machine.finish(.forced(by: deadline.request))
            }
        }
    }

    private mutating func obey(_ command: EscapeFilter.Command) {
        switch command {
        case .quit: machine.finish(.forced(by: .escapeKey))
        case .menu: log.notice(EscapeFilter.menu(key: spec.escapeKey.description))
        case .tellSize: console.typeTerminalSize(machine)
        }
    }

    /// Asks the guest to power off; a guest that cannot hear it, or a second wish, ends it at once.
    private mutating func stop(for request: StopRequest) {
        guard deadline == nil, machine.pressPowerButton() else {
            machine.finish(.forced(by: request))
            return
        }
        deadline = (HostClock.monotonicNanoseconds() + UInt64(spec.graceSeconds) * 1_000_000_000, request)
        log.info(
            "\(request): asked the guest to power off, waiting \(spec.graceSeconds) s; again to stop it at once"
        )
    }

    /// Says how it ended, as far as a user needs to know, and with what status.
    private func conclude() -> ExitCode {
        let end = machine.end ?? .failed(.wiring("a machine ended without saying why"))
        switch end {
        case .powerOff: log.info("the guest powered off")
        case .guestExit(let value): log.info("the guest ended with \(value)")
        case .reset: log.warning("the guest asked for a reset; restart it to go on")
        case .crash(let report): log.error("the guest crashed: \(report.headline)\n\(report.registerTable)")
        case .forced(let request): log.warning("stopped by \(request)")
        case .consoleLost(let error):
            log.error("the console's output is lost: \(error); the guest was stopped")
        case .failed(let error): log.error(error.description)
        }
        if machine.unclaimedAccesses > 0 {
            log.debug("\(machine.unclaimedAccesses) accesses to ports and addresses where nothing is")
        }
        let lost = console.lostBytes + machine.droppedConsoleBytes
        // Who closed the console's other end wants no count of what it did not take.
        if case .consoleLost = end { return end.exitCode }
        if lost > 0 { log.warning("\(lost) bytes of console output were lost") }
        return end.exitCode.status == 0 && console.lostBytes > 0 ? .ioError : end.exitCode
    }
}

internal import ControlProtocol
public import HostSystem
public import Specification

/// The main thread of `roost-vmm`: makes the machine, carries its console, hears signals and requests,
/// and sees it to its end.
public struct Supervisor: ~Copyable {
    let spec: MachineSpec
    let log: MachineLog
    let machine: Machine
    private let signals: SignalDescriptor
    private var directory: RunDirectory
    private var console: ConsolePump
    /// The virtio console's, if there is one.
    private var second: ConsolePump?
    private var control: ControlServer?
    /// When the control socket is opened, if it is not yet.
    private var controlDue: UInt64?
    /// When a guest that was asked to power off is stopped, and by whose wish.
    var deadline: (at: UInt64, request: StopRequest)?
    /// When the virtual CPUs were started.
    var started: UInt64 = 0

    /// How long a machine runs before its control socket opens: who starts it cannot ask sooner, and
    /// first bytes come sooner.
    private static let controlDelay: UInt64 = 2_000_000

    /// Runs a machine from start to end, and ends the process with the status that says how it ended.
    /// Everything a user must know has been printed then.
    ///
    /// - Parameters:
    ///   - text: the specification as it came, for the run directory.
    ///   - ready: a pipe on which somebody waits for the start of a detached machine, if it is one. It gets
    ///     one byte when all there is of the machine is there; from then on standard error goes to a file.
    public static func run(_ spec: MachineSpec, text: [UInt8], ready: consuming OwnedDescriptor? = nil)
        -> Never
    {
        let log = MachineLog(name: spec.name, level: spec.logLevel)
        do {
            var supervisor = try Supervisor(spec, text, log)
            let code = try supervisor.superviseToTheEnd(ready)
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
            var taken: [Signal] = [.hangup, .interrupt, .terminate]
            // Only a virtio console can tell its guest of a new size.
            if spec.virtioConsole == .stdio { taken.append(.windowChange) }
            signals = try SignalDescriptor(taken)
        } catch {
            throw .system(error)
        }
        var directory = try RunDirectory.claim(for: spec, text: text)
        let machine = try Machine(spec, statsPath: directory.statsPath())
        let console = try Self.open(
            spec.console, of: SerialConsolePort(machine: machine), spec, &directory)
        if let path = console.pseudoTerminalPath {
            try directory.linkConsole(to: path)
            log.notice("the console is at \(path)")
        }
        if let wished = spec.virtioConsole, let port = machine.virtio.console {
            let pump = try Self.open(wished, of: port, spec, &directory)
            if let path = pump.pseudoTerminalPath { log.notice("the virtio console is at \(path)") }
            second = consume pump
        } else {
            second = nil
        }
        self.spec = spec
        self.log = log
        self.signals = signals
        self.directory = directory
        self.machine = machine
        self.console = console
    }

    private static func open(
        _ wished: ConsoleSpec, of port: any ConsolePort, _ spec: MachineSpec, _ directory: inout RunDirectory
    ) throws(MachineError) -> ConsolePump {
        let hub = wished == .socket ? try ConsoleHub(in: &directory) : nil
        return ConsolePump(
            try ConsoleEndpoint.open(wished), of: port, hub: hub, escapeKey: spec.escapeKey.byte)
    }

    private mutating func superviseToTheEnd(_ ready: consuming OwnedDescriptor?) throws(MachineError)
        -> ExitCode
    {
        var failure: MachineError?
        do {
            try machine.start()
            started = HostClock.monotonicNanoseconds()
            controlDue = started + Self.controlDelay
            if let ready = ready.take() { try detach(ready) }
            try carryOn()
        } catch {
            machine.finish(.failed(error))
            failure = error
        }
        machine.join()
        console.flush(machine, log, until: signals)
        second?.flush(machine, log, until: signals)
        Terminal.restore()
        let code = failure?.exitCode ?? conclude()
        let report = EndReport(
            reason: failure?.description ?? machine.end?.reason ?? "", exitCode: Int(code.status))
        control?.tellEnd(report)
        directory.record(report, log)
        directory.remove()
        if let failure { throw failure }
        return code
    }

    /// Tells who waits that all is there, and leaves the terminal behind.
    private mutating func detach(_ ready: consuming OwnedDescriptor) throws(MachineError) {
        control = try ControlServer(in: &directory, meter: machine.statistics.control)
        controlDue = nil
        let messages = try directory.openMessages()
        do {
            try DescriptorIO.writeAll(ready.number, [1], operation: "tell who started this machine")
            try HostProcess.replaceStandardError(by: messages)
        } catch {
            throw .system(error)
        }
        directory.keepRecords()
    }

    /// Waits and serves until the machine has ended.
    private mutating func carryOn() throws(MachineError) {
        var events = PollSet()
        while machine.end == nil {
            events.removeAll()
            events.watch(machine.ended.descriptor, for: .readable)
            events.watch(signals.descriptor.number, for: .readable)
            console.declareInterest(in: &events)
            second?.declareInterest(in: &events)
            control?.declareInterest(in: &events)
            do {
                try events.wait(timeoutMilliseconds: timeToNextDeadline())
            } catch {
                throw .system(error)
            }
            console.serve(machine, events, log)
            second?.serve(machine, events, log)
            for command in console.takeCommands() + (second?.takeCommands() ?? []) { obey(command) }
            serveControl(events)
            // A new size has been seen by the console already.
            while let signal = signals.next() { if signal != .windowChange { stop(for: .signal(signal)) } }
            if let deadline, HostClock.monotonicNanoseconds() >= deadline.at {
                machine.finish(.forced(by: deadline.request))
            }
        }
    }

    private var secondReview: UInt64? {
        switch second {
        case .some(let pump): pump.nextReview
        case .none: nil
        }
    }

    /// Output of the virtio console that was lost, in bytes.
    private var secondLosses: (all: UInt64, swallowed: UInt64) {
        switch second {
        case .some(let pump): (pump.allLostBytes, pump.lostBytes)
        case .none: (0, 0)
        }
    }

    /// In milliseconds, rounded up; nil if there is none.
    private borrowing func timeToNextDeadline() -> Int32? {
        let times = [
            deadline?.at, console.nextReview, secondReview, control?.nextDeadline, controlDue,
        ].compactMap(\.self)
        guard let next = times.min() else { return nil }
        let now = HostClock.monotonicNanoseconds()
        return next <= now ? 0 : Int32(clamping: (next - now) / 1_000_000 + 1)
    }

    /// Answers requests; opens the socket for them when the machine has run for a moment.
    private mutating func serveControl(_ events: PollSet) {
        if let control {
            control.serve(events) { call, hold in answer(call, &hold) }
        } else if let controlDue, HostClock.monotonicNanoseconds() >= controlDue {
            self.controlDue = nil
            do {
                control = try ControlServer(in: &directory, meter: machine.statistics.control)
            } catch {
                log.warning("this machine cannot be controlled: \(error)")
            }
        }
    }

    private mutating func obey(_ command: EscapeFilter.Command) {
        switch command {
        case .quit: machine.finish(.forced(by: .escapeKey))
        case .menu, .detach: log.notice(EscapeFilter.menu(key: spec.escapeKey.description))
        case .tellSize: if console.isInteractive { console.typeTerminalSize() }
        }
    }

    /// Asks the guest to power off; a second wish ends it at once.
    private mutating func stop(for request: StopRequest) {
        guard deadline == nil else {
            machine.finish(.forced(by: request))
            return
        }
        askToPowerOff(request, graceSeconds: spec.graceSeconds)
        guard deadline != nil else { return }
        log.info(
            "\(request): asked the guest to power off, waiting \(spec.graceSeconds) s; again to stop it at once"
        )
    }

    /// Asks the guest to power off; one that cannot hear it is ended at once.
    mutating func askToPowerOff(_ request: StopRequest, graceSeconds: Int) {
        // A paused guest hears nothing.
        machine.endAllPauses()
        guard machine.pressPowerButton() else {
            machine.finish(.forced(by: request))
            return
        }
        deadline = (HostClock.monotonicNanoseconds() + UInt64(graceSeconds) * 1_000_000_000, request)
    }

    /// Says how it ended, as far as a user needs to know, and with what status.
    private func conclude() -> ExitCode {
        let end = machine.end ?? .failed(.wiring("a machine ended without saying why"))
        switch end {
        case .powerOff, .guestExit: log.info(end.reason)
        case .reset: log.warning("\(end.reason); restart it to go on")
        case .crash(let report): log.error("\(end.reason)\n\(report.registerTable)")
        case .forced: log.warning(end.reason)
        case .consoleLost: log.error("\(end.reason); the guest was stopped")
        case .failed: log.error(end.reason)
        }
        if machine.unclaimedAccesses > 0 {
            log.debug("\(machine.unclaimedAccesses) accesses to ports and addresses where nothing is")
        }
        let more = secondLosses
        let lost = console.allLostBytes + more.all
        // Who closed the console's other end wants no count of what it did not take.
        if case .consoleLost = end { return end.exitCode }
        if lost > 0 { log.warning("\(lost) bytes of console output were lost") }
        let swallowed = console.lostBytes + more.swallowed
        return end.exitCode.status == 0 && swallowed > 0 ? .ioError : end.exitCode
    }
}

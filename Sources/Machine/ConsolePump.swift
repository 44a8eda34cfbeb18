internal import ControlProtocol
internal import HostSystem

/// Moves bytes between a machine's console and its endpoint on the host. On the main thread.
struct ConsolePump: ~Copyable {
    private var endpoint: ConsoleEndpoint
    private let port: any ConsolePort
    /// Those who are attached, if the console is one to attach to.
    private var hub: ConsoleHub?
    private var escape: EscapeFilter
    private var commands: [EscapeFilter.Command] = []
    /// Input the guest had no room for yet.
    private var typed: ArraySlice<UInt8> = []
    /// One drained piece of output, of which `unsent` is not written yet.
    private var chunk = [UInt8](repeating: 0, count: 1024)
    private var unsent: Range<Int> = 0..<0
    private var isOutputBroken = false
    private var hasWarned = false

    /// When to look again whether a console nobody reads must go on without.
    private(set) var nextReview: UInt64?
    /// Bytes that a full disk or a broken pipe has swallowed.
    private(set) var lostBytes: UInt64 = 0

    /// How long the end of a machine waits for a reader that does not read.
    private static let flushPatienceMilliseconds: Int32 = 1000

    init(
        _ endpoint: consuming ConsoleEndpoint, of port: any ConsolePort, hub: consuming ConsoleHub?,
        escapeKey: UInt8?
    ) {
        self.port = port
        // A script's input has no escape key: any byte may be meant for the guest.
        escape = EscapeFilter(key: endpoint.isInteractive ? escapeKey : nil)
        self.endpoint = endpoint
        self.hub = hub
    }

    /// Whether a person sits at it, whose terminal may change its size.
    var isInteractive: Bool { endpoint.isInteractive }

    /// All output that was lost, in bytes.
    var allLostBytes: UInt64 { lostBytes + port.droppedBytes }

    /// The path of the pseudo-terminal people can open, if that is the console.
    var pseudoTerminalPath: String? { endpoint.pseudoTerminalPath }

    /// How much of a paste is kept for a guest that does not read.
    private static let longestPaste = 1 << 20

    /// A pipe's writer waits for a slow guest. A person's keys are read on, or a guest that reads nothing
    /// would take the escape key away from them.
    private var canTakeInput: Bool {
        typed.isEmpty || endpoint.isInteractive && typed.count < Self.longestPaste
    }

    /// Waits for input only when there is room for it, and for room only when there is output.
    func declareInterest(in events: inout PollSet) {
        events.watch(port.outputDescriptor, for: .readable)
        events.watch(port.inputDescriptor, for: .readable)
        if let output = endpoint.output { events.watch(output, for: unsent.isEmpty ? [] : .writable) }
        if let input = endpoint.input { events.watch(input, for: canTakeInput ? .readable : []) }
        hub?.declareInterest(in: &events, canTakeInput: canTakeInput)
    }

    /// Does what the last wait has found to do.
    mutating func serve(_ machine: Machine, _ events: PollSet, _ log: MachineLog) {
        if let input = endpoint.input, !events.readiness(of: input).isEmpty, canTakeInput {
            let bytes = endpoint.readInput(limit: 4096)
            typed += escape.filter(bytes) { commands.append($0) }
        }
        let canTake = canTakeInput
        if let bytes = hub?.serve(events, canTakeInput: canTake) { typed += bytes }
        if let size = endpoint.terminalSize { port.resize(size) }
        port.clearInputWanted()
        if !typed.isEmpty { typed = typed.dropFirst(port.type(typed)) }
        port.clearOutputReady()
        sendOutput(machine, log)
        nextReview = port.review()
    }

    /// Writes what there is until the endpoint takes no more.
    private mutating func sendOutput(_ machine: Machine, _ log: MachineLog) {
        while true {
            if unsent.isEmpty {
                unsent = 0..<port.drain(into: &chunk)
                if unsent.isEmpty { return }
                lostBytes += hub?.take(chunk[unsent], log) ?? 0
            }
            do {
                let count = try isOutputBroken ? unsent.count : endpoint.writeOutput(chunk[unsent])
                if count == 0 { return }
                if isOutputBroken { lostBytes += UInt64(count) }
                unsent = unsent.lowerBound + count..<unsent.upperBound
            } catch {
                fail(error, machine, log)
            }
        }
    }

    /// A file's disk may be full now and not later, and a machine is worth more than its log. A closed
    /// pipe or terminal never comes back: whoever wanted the output is gone.
    private mutating func fail(_ error: SystemError, _ machine: Machine, _ log: MachineLog) {
        lostBytes += UInt64(unsent.count)
        unsent = 0..<0
        if endpoint.isFile {
            if !hasWarned { log.warning("console output is being lost: \(error)") }
            hasWarned = true
        } else {
            isOutputBroken = true
            machine.finish(.consoleLost(error))
        }
    }

    /// Writes the rest when the machine has ended, for as long as the reader makes progress and no signal
    /// says that it is enough.
    mutating func flush(_ machine: Machine, _ log: MachineLog, until signals: borrowing SignalDescriptor) {
        var events = PollSet()
        events.watch(signals.descriptor.number, for: .readable)
        while true {
            sendOutput(machine, log)
            hub?.flush(until: signals, patienceMilliseconds: Self.flushPatienceMilliseconds)
            guard !unsent.isEmpty, let output = endpoint.output else { return awaitReader() }
            events.watch(output, for: .writable)
            let hasRoom = (try? events.wait(timeoutMilliseconds: Self.flushPatienceMilliseconds)) ?? false
            if !hasRoom || signals.next() != nil {
                giveUp()
                return
            }
        }
    }
}

extension ConsolePump {
    /// Waits until the people at a pseudo-terminal have read the end of the output, as long as they
    /// make progress: closing it takes away what they have not.
    private func awaitReader() {
        guard endpoint.pseudoTerminalPath != nil else { return }
        var pause = PollSet()
        var (unread, waited) = (Int.max, 0 as Int32)
        while waited < Self.flushPatienceMilliseconds {
            // Before the first look too: the kernel hands the bytes over in its own time.
            // Nothing is watched, so that this only waits; it cannot fail but by a signal.
            _ = try? pause.wait(timeoutMilliseconds: 5)
            waited += 5
            let now = endpoint.unreadBytes
            if now == 0 { return }
            if now < unread { waited = 0 }
            unread = now
        }
    }

    /// Counts what nobody takes any more: the piece in hand and all that the guest had written.
    private mutating func giveUp() {
        repeat {
            lostBytes += UInt64(unsent.count)
            unsent = 0..<port.drain(into: &chunk)
        } while !unsent.isEmpty
    }

    /// What was asked for behind the escape key since the last time.
    mutating func takeCommands() -> [EscapeFilter.Command] {
        defer { commands = [] }
        return commands
    }

    /// Types `stty rows R cols C` to the guest's shell.
    func typeTerminalSize() {
        guard let size = endpoint.terminalSize else { return }
        let line = "stty rows \(size.rows) cols \(size.columns)\r"
        _ = port.type(Array(line.utf8)[...])
    }
}

internal import ControlProtocol
internal import HostSystem

/// A console that people attach to and leave: all output goes to a bounded log and to everyone attached,
/// and everyone attached types. On the main thread.
///
/// Who attaches sees the last lines first. Who does not read loses what does not fit and is told so; the
/// guest and the others never wait.
struct ConsoleHub: ~Copyable {
    private let listener: OwnedDescriptor
    private var log: BoundedLog
    private var attached: [AttachedConsole] = []
    private var hasWarned = false

    /// The log begins anew at this size, so that at most twice as much is kept: 1 MiB.
    private static let logLimit = 1 << 20
    /// How much of the log is shown to who attaches.
    private static let greeting = 4096

    /// Makes socket and log in a machine's run directory.
    init(in directory: inout RunDirectory) throws(MachineError) {
        do {
            let log = try BoundedLog(
                path: directory.newFile(RunFiles.consoleLog),
                oldPath: directory.newFile(RunFiles.oldConsoleLog),
                limit: Self.logLimit)
            let listener = try LocalSocket.listen(
                at: directory.newFile(RunFiles.consoleSocket), backlog: Int32(ControlLimits.attachedConsoles))
            self.log = log
            self.listener = listener
        } catch {
            throw .output(error)
        }
    }

    func declareInterest(in events: inout PollSet, canTakeInput: Bool) {
        events.watch(listener.number, for: .readable)
        for console in attached { console.declareInterest(in: &events, canTakeInput: canTakeInput) }
    }

    /// Takes what people have typed, and lets new ones in.
    mutating func serve(_ events: PollSet, canTakeInput: Bool) -> [UInt8] {
        var typed: [UInt8] = []
        for console in attached {
            typed += console.serve(events, canTakeInput: canTakeInput && typed.isEmpty)
        }
        attached.removeAll(where: \.isGone)
        if !events.readiness(of: listener.number).isEmpty { accept() }
        return typed
    }

    private mutating func accept() {
        for _ in 0..<ControlLimits.attachedConsoles {
            guard let descriptor = try? LocalSocket.accept(listener) else { return }
            guard let user = try? LocalSocket.peerUser(descriptor), user == HostProcess.user || user == 0
            else {
                continue
            }
            let console = AttachedConsole(descriptor)
            guard attached.count < ControlLimits.attachedConsoles else {
                console.take(
                    Array("roost: busy: \(attached.count) consoles are attached already\r\n".utf8)[...])
                continue
            }
            // From a line's start, if there is one.
            let last = log.tail(Self.greeting)
            let start = last.count < Self.greeting ? nil : last.firstIndex(of: UInt8(ascii: "\n"))
            console.take(last[(start.map { $0 + 1 } ?? 0)...])
            attached.append(console)
        }
    }

    /// Writes output to the log and to everyone attached. Takes all of it, always.
    ///
    /// - Returns: the bytes the log had no room for on its disk.
    mutating func take(_ bytes: ArraySlice<UInt8>, _ messages: MachineLog) -> UInt64 {
        for console in attached { console.take(bytes) }
        var rest = bytes
        while !rest.isEmpty {
            do {
                let count = try log.append(rest)
                rest = rest.dropFirst(count)
            } catch {
                // The disk may be full now and not later, and a machine is worth more than its log.
                if !hasWarned { messages.warning("console output is being lost: \(error)") }
                hasWarned = true
                return UInt64(rest.count)
            }
        }
        return 0
    }

    /// Writes what is left, at the machine's end, for as long as somebody reads and no signal says that it
    /// is enough.
    mutating func flush(until signals: borrowing SignalDescriptor, patienceMilliseconds: Int32) {
        while true {
            for console in attached { console.flush() }
            let unfinished = attached.filter(\.hasBacklog)
            guard !unfinished.isEmpty else { return }
            var events = PollSet()
            events.watch(signals.descriptor.number, for: .readable)
            for console in unfinished { console.declareInterest(in: &events, canTakeInput: false) }
            let isRead = (try? events.wait(timeoutMilliseconds: patienceMilliseconds)) ?? false
            guard isRead, signals.next() == nil else { return }
        }
    }
}

/// One person's or program's end of the console.
final class AttachedConsole {
    private let descriptor: OwnedDescriptor
    private var backlog: [UInt8] = []
    private var skipped: UInt64 = 0
    private var hasMoreInput = true
    private(set) var isGone = false
    /// Whether there is output it has not taken.
    var hasBacklog: Bool { !isGone && !backlog.isEmpty }

    /// What is kept for one that does not read.
    private static let limit = 256 << 10

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    func declareInterest(in events: inout PollSet, canTakeInput: Bool) {
        var interest: Readiness = .hangup
        if hasMoreInput && canTakeInput { interest.insert(.readable) }
        if !backlog.isEmpty { interest.insert(.writable) }
        events.watch(descriptor.number, for: interest)
    }

    func serve(_ events: PollSet, canTakeInput: Bool) -> [UInt8] {
        let readiness = events.readiness(of: descriptor.number)
        guard !readiness.isEmpty else { return [] }
        if readiness.contains(.writable) { flush() }
        guard hasMoreInput, canTakeInput else {
            if !readiness.isDisjoint(with: [.hangup, .error]) { isGone = true }
            return []
        }
        do {
            guard let bytes = try DescriptorIO.read(descriptor.number, limit: 4096) else { return [] }
            if bytes.isEmpty { hasMoreInput = false }
            return bytes
        } catch {
            // The other end is gone.
            isGone = true
            return []
        }
    }

    /// Output for this one: sent, kept, or, where it does not read, left out.
    func take(_ bytes: ArraySlice<UInt8>) {
        if backlog.count + bytes.count > Self.limit {
            skipped += UInt64(bytes.count)
        } else {
            backlog += bytes
        }
        flush()
    }

    /// Writes what it takes now.
    func flush() {
        guard !isGone else { return }
        do {
            while !backlog.isEmpty {
                let count = try LocalSocket.send(backlog[...], to: descriptor)
                if count == 0 { return }
                backlog.removeFirst(count)
            }
        } catch {
            // The other end is gone.
            isGone = true
            return
        }
        guard skipped > 0 else { return }
        backlog = Array("\r\nroost: \(skipped) bytes of output left out, which were not read\r\n".utf8)
        skipped = 0
        flush()
    }
}

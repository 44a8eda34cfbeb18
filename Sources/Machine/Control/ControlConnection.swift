internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import Stages

/// One client of the control socket: lines in, replies out, both bounded. On the main thread.
///
/// Nothing it does or leaves undone holds up anybody else: it is read only while it has nothing that waits
/// and there is room for its answers, its lines and its reading have a time limit, and what goes wrong
/// ends this connection alone.
final class ControlConnection {
    /// Why a connection is given up, besides what reading and writing show.
    enum State {
        /// Requests are taken.
        case open
        /// The client has sent its last request, or one that nothing sensible can follow: what is
        /// answered is still written.
        case closing
        /// To be forgotten.
        case closed
    }

    private let descriptor: OwnedDescriptor
    private var input = LineCutter()
    private var output: [UInt8] = []
    private var sent = 0
    private(set) var state = State.open
    /// When a line must be whole, or an answer read, at the latest.
    private(set) var deadline: UInt64?
    /// When the client last did something that made sense.
    private(set) var lastUse: UInt64
    /// The request that is answered at the machine's end.
    var waiting: ControlRequest?
    /// By which the client holds the machine still, if it does. It ends with the connection: nothing is left of the
    /// client's wish when the client is gone.
    var hold: PauseHold?
    /// Lines that were read and wait for their turn, or why no line came; at most
    /// `ControlLimits.queuedRequests`. All were admitted at the same time, for more are taken only when
    /// none is left.
    private var queue: ArraySlice<Result<[UInt8], ControlError>> = []
    private var admitted: UInt64 = 0
    /// Whether there may be lines that were read and are not in the queue.
    private var hasMoreLines = false

    private static let patience = ControlLimits.patienceSeconds * 1_000_000_000
    /// Bytes read at a time: some hundred requests. What is not read is the client's to keep.
    private static let readSize = 4096

    init(_ descriptor: consuming OwnedDescriptor, now: UInt64) {
        self.descriptor = descriptor
        lastUse = now
    }

    var isClosed: Bool {
        if case .closed = state { return true }
        return false
    }

    /// Whether the client has asked for a hold and not let go, in force or not.
    var holds: Bool {
        switch hold {
        case .some: true
        case .none: false
        }
    }

    /// Whether it may not be closed for somebody else.
    var waitsOrHolds: Bool { waiting != nil || holds }

    /// Whether it is one of the lines' turn that keeps the main thread awake.
    var wantsTurn: Bool {
        hasUnansweredLines && waiting == nil && unsent < ControlLimits.backlog && !isClosed
    }

    /// Requests that wait.
    var queueLength: Int { queue.count }

    private var hasUnansweredLines: Bool { !queue.isEmpty || hasMoreLines }
    private var unsent: Int { output.count - sent }
    /// Nothing more is read before what was read is answered: the client feels the load then, by a socket
    /// that takes no more, and refusing costs nothing.
    private var isReadable: Bool {
        state == .open && unsent < ControlLimits.backlog && input.room > 0 && !hasUnansweredLines
    }

    /// Waits for requests while there is room for answers, and for room while there are answers.
    func declareInterest(in events: inout PollSet) {
        var interest: Readiness = .hangup
        if isReadable { interest.insert(.readable) }
        if unsent > 0 { interest.insert(.writable) }
        events.watch(descriptor.number, for: interest)
    }

    /// Reads what has come, if there is nothing to do yet, and queues requests.
    ///
    /// - Returns: how many were queued.
    func receive(_ events: PollSet, now: UInt64) -> Int {
        if isReadable, !events.readiness(of: descriptor.number).isEmpty { read() }
        return admit(now)
    }

    private func read() {
        do {
            guard let bytes = try DescriptorIO.read(descriptor.number, limit: min(input.room, Self.readSize))
            else {
                return
            }
            if bytes.isEmpty {
                state = .closing
            } else {
                input.append(bytes)
            }
            hasMoreLines = true
        } catch {
            // The client is gone.
            state = .closed
        }
    }

    private func admit(_ now: UInt64) -> Int {
        guard queue.isEmpty, hasMoreLines, state != .closed else { return 0 }
        admitted = now
        while queue.count < ControlLimits.queuedRequests {
            do {
                guard let line = try input.next() else {
                    hasMoreLines = false
                    break
                }
                lastUse = now
                queue.append(.success(line))
            } catch {
                hasMoreLines = false
                queue.append(.failure(error))
                break
            }
        }
        return queue.count
    }

    /// Answers requests that wait.
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - answer: carries a request out; nil leaves the connection waiting for the end.
    /// - Returns: how many.
    func answer(atMost limit: Int, _ meter: StageMeter, _ answer: (ControlRequest) -> ControlReply?) -> Int {
        guard wantsTurn, !queue.isEmpty else { return 0 }
        let start = HostClock.monotonicNanoseconds()
        var count = 0
        while count < limit, wantsTurn, let entry = queue.popFirst() {
            count += 1
            switch entry {
            case .success(let line): answerLine(line, answer)
            case .failure(let error): refuse(error)
            }
        }
        let spent = HostClock.monotonicNanoseconds() - start
        for _ in 0..<count {
            meter.wait(nanoseconds: start - admitted)
            meter.complete(nanoseconds: spent / UInt64(count))
        }
        return count
    }

    /// Writes what there is to tell, and sees whether the connection has an end.
    func finishTurn(_ events: PollSet, now: UInt64) {
        flush(now)
        // All that came has been looked at, and nobody is there to read more.
        if !events.readiness(of: descriptor.number).isDisjoint(with: [.hangup, .error]), !isReadable,
            !hasUnansweredLines || waiting != nil
        {
            state = .closed
        }
        watchTime(now)
    }

    private func answerLine(_ line: [UInt8], _ answer: (ControlRequest) -> ControlReply?) {
        // An empty line, or one of a carriage return, is for people who type.
        if line.allSatisfy({ $0 == UInt8(ascii: "\r") }) { return }
        do {
            let request = try ControlRequest(line: line)
            guard let reply = answer(request) else {
                waiting = request
                return
            }
            if request.id != nil { send(reply) }
        } catch {
            guard let reply = error.reply else { return }
            send(reply)
            // Who sends no JSON is no client: what comes next would be no better.
            if case .failure(let problem) = reply.outcome, problem.code == .parseError { endInput() }
        }
    }

    /// Says why, and takes nothing more.
    func refuse(_ error: ControlError) {
        send(ControlReply(id: .null, .failure(error)))
        endInput()
        flush(lastUse)
    }

    private func endInput() {
        state = .closing
        hasMoreLines = false
        queue = []
        input = LineCutter()
    }

    /// Answers `wait`, if that was asked, and what has come meanwhile.
    func tellEnd(_ report: EndReport, _ meter: StageMeter) {
        if let id = waiting?.id { send(ControlReply(id: id, .success(report.json))) }
        waiting = nil
        // What is queued, and what was read or can be.
        for _ in 0..<2 {
            if isReadable { read() }
            _ = admit(lastUse)
            _ = answer(atMost: ControlLimits.queuedRequests, meter) { request in
                let end = ControlError(.ended, "the machine has ended: \(report.reason)")
                return ControlReply(
                    id: request.id ?? .null, request.call == .wait ? .success(report.json) : .failure(end))
            }
        }
        flush(lastUse)
    }

    private func send(_ reply: ControlReply) {
        output += reply.line
    }

    /// Writes what the client takes now.
    private func flush(_ now: UInt64) {
        guard state != .closed else { return }
        do {
            while unsent > 0 {
                let count = try LocalSocket.send(output[sent...], to: descriptor)
                if count == 0 { break }
                sent += count
                lastUse = now
            }
        } catch {
            // The client is gone.
            state = .closed
        }
        if unsent == 0 {
            output.removeAll()
            sent = 0
            if state == .closing, !hasUnansweredLines, waiting == nil { state = .closed }
        }
    }

    /// A line that has begun, and an answer that has been written, have so long.
    private func watchTime(_ now: UInt64) {
        guard !isClosed, unsent > 0 || (!input.isEmpty && waiting == nil) else {
            deadline = nil
            return
        }
        // From the last thing the client did that made sense: a byte now and then is no progress.
        let limit = max(deadline ?? now + Self.patience, lastUse + Self.patience)
        deadline = limit
        if now >= limit {
            if unsent == 0 {
                let seconds = ControlLimits.patienceSeconds
                refuse(ControlError(.badLine, "the line was not whole after \(seconds) seconds"))
            }
            state = .closed
        }
    }
}

internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import Stages

/// The control socket: clients come, ask and go, and none can keep another from being served. On the
/// main thread.
///
/// A stage: requests wait in queues of bounded length, one a connection, and are answered in batches; section
/// `control` of the stats page counts them. What is not in a queue is not read, so under overload the
/// clients' sockets fill and whoever sends knows: no request is looked at in vain.
///
/// All is bounded: the connections, the line and the queue of each, what is kept for each that was not read.
/// When a connection too many comes, the one that has been silent longest is told "busy" and closed, so that
/// whoever comes now, perhaps to kill the machine, is heard.
final class ControlServer {
    private let listener: OwnedDescriptor
    private let meter: StageMeter
    private var connections: [ControlConnection] = []
    private var batch = BatchController(minimum: 32, maximum: 128)
    /// Whose turn it is first in the next batch.
    private var turn = 0
    /// When the last batch ended, if it left requests behind.
    private var lastEnd: UInt64?

    /// Opens the socket in a machine's run directory.
    ///
    /// - Parameter meter: the main thread's alone.
    init(in directory: inout RunDirectory, meter: StageMeter) throws(MachineError) {
        self.meter = meter
        do {
            listener = try LocalSocket.listen(
                at: directory.newFile(RunFiles.controlSocket), backlog: Int32(ControlLimits.connections))
        } catch {
            throw .output(error)
        }
    }

    /// Carries a request out, for a connection that holds the machine or may come to; nil is for a request that is
    /// answered at the machine's end.
    typealias Answer = (ControlCall, inout PauseHold?) -> Result<JSONValue, ControlError>?

    /// The next time at which something must be looked at although nothing has happened.
    var nextDeadline: UInt64? {
        connections.contains(where: \.wantsTurn) ? 0 : connections.compactMap(\.deadline).min()
    }

    func declareInterest(in events: inout PollSet) {
        events.watch(listener.number, for: .readable)
        for connection in connections { connection.declareInterest(in: &events) }
    }

    /// Does what the last wait has found to do.
    ///
    /// A connection that is gone takes its hold with it: the machine goes on then.
    func serve(_ events: PollSet, answer: Answer) {
        let now = HostClock.monotonicNanoseconds()
        var waiting = 0
        for connection in connections {
            meter.arrive(connection.receive(events, now: now))
            waiting += connection.queueLength
        }
        if connections.contains(where: \.wantsTurn) { answerBatch(waiting, now, answer) }
        for connection in connections { connection.finishTurn(events, now: now) }
        connections.removeAll(where: \.isClosed)
        if !events.readiness(of: listener.number).isEmpty { accept(now) }
    }

    /// Answers as many of the requests that wait as the controller says, each connection in its turn.
    private func answerBatch(_ waiting: Int, _ now: UInt64, _ answer: Answer) {
        meter.setQueueLength(waiting)
        let limit = batch.size
        var count = 0
        var next = turn
        for offset in 0..<connections.count {
            guard count < limit else { break }
            let place = (turn + offset) % connections.count
            next = place + 1
            let connection = connections[place]
            count += connection.answer(atMost: limit - count, meter) { request in
                if let refusal = refusal(of: request.call, from: connection) {
                    meter.refuse()
                    return ControlReply(id: request.id ?? .null, .failure(refusal))
                }
                return answer(request.call, &connection.hold).map {
                    ControlReply(id: request.id ?? .null, $0)
                }
            }
        }
        turn = next
        let left = connections.reduce(0) { $0 + $1.queueLength }
        meter.setQueueLength(left)
        let end = HostClock.monotonicNanoseconds()
        batch.finish(count: count, left: left, nanoseconds: end - (lastEnd ?? now))
        lastEnd = left > 0 ? end : nil
        meter.finishBatch(limit: batch.size)
    }

    /// Connections that wait for the end, or hold the machine, are not closed for others: they are few.
    private func refusal(of call: ControlCall, from connection: ControlConnection) -> ControlError? {
        switch call {
        case .wait where connections.count(where: { $0.waiting != nil }) >= ControlLimits.waiters:
            return ControlError(.busy, "busy: \(ControlLimits.waiters) wait for this machine's end already")
        case .hold
        where !connection.holds && connections.count(where: \.holds) >= ControlLimits.holders:
            return ControlError(.busy, "busy: \(ControlLimits.holders) hold this machine already")
        default: return nil
        }
    }

    private func accept(_ now: UInt64) {
        // So many at a time: the machine has other things to do.
        for _ in 0..<ControlLimits.connections {
            guard let descriptor = try? LocalSocket.accept(listener) else { return }
            // The file's mode says the same, but a mode can be changed.
            guard let user = try? LocalSocket.peerUser(descriptor), user == HostProcess.user || user == 0
            else {
                continue
            }
            makeRoom()
            connections.append(ControlConnection(descriptor, now: now))
        }
    }

    private func makeRoom() {
        guard connections.count >= ControlLimits.connections else { return }
        let idle = connections.indices.filter { !connections[$0].waitsOrHolds }
        guard let oldest = idle.min(by: { connections[$0].lastUse < connections[$1].lastUse }) else { return }
        meter.arrive()
        meter.refuse()
        let sentence =
            "busy: more than \(ControlLimits.connections) connections, and this one was silent longest"
        connections.remove(at: oldest).refuse(ControlError(.busy, sentence))
    }

    /// Answers those who wait for the machine's end. They see the end of the connection when the name is
    /// free again.
    func tellEnd(_ report: EndReport) {
        // Those too who have just come.
        accept(HostClock.monotonicNanoseconds())
        for connection in connections { connection.tellEnd(report, meter) }
    }
}

internal import HostControl
public import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Stages
internal import Stats

/// The manager without its API: machines come and go, and their CPUs are divided.
///
/// All of it happens on the thread that calls `run`, in stages on one event loop; `submit` may be called from
/// any thread.
public final class ManagerCore: @unchecked Sendable {
    // @unchecked: everything that changes belongs to the loop's thread, and the stages are Sendable.

    let configuration: ManagerConfiguration
    let capabilities: HostCapabilities
    var control: CPUControl
    let loop: EventLoop
    let started = HostClock.monotonicNanoseconds()
    var fleet: Fleet
    var machines: [VMName: ManagedMachine] = [:] {
        didSet { inOrder = machines.values.sorted { $0.name < $1.name } }
    }
    /// The same in the order of their names, which is that of decisions.
    private(set) var inOrder: [ManagedMachine] = []
    /// What a look finds: kept for its memory.
    var seen: [Observation.VM] = []
    var history = EntitlementHistory()
    var enforcement: Enforcement
    /// What no VM may exceed, its pools' limits taken in: of the latest decision.
    var limits = PoolLimits()
    /// The host CPUs that machines may use.
    var processors: ProcessorSet
    /// Nil if it cannot be looked at again.
    private(set) var hostCapacity: HostCapacity?
    /// The virtual CPUs that all machines together were last weighed as; nil before the first time.
    var weighed: Int?
    /// When machines were measured last.
    var measured: UInt64 = 0
    /// Nanoseconds between two looks at the machines.
    var interval: UInt64 = 50_000_000
    var savedState = SavedState()
    /// What is wrong now and will be tried again.
    var troubles = Troubles(limit: 8)
    private let socketIsTroubled = Guarded(false)
    /// What the loop's thread cannot have; nil if nothing.
    var priorityRemark: String?
    var lastScan: UInt64?
    var directory: RunDirectoryScan
    /// The socket's file, if it is this process's.
    private var socketFile: SocketFile?
    /// When the last machine went; nil while there is one.
    var idleSince: UInt64?
    /// The group around those of this run directory's machines.
    let groupParent: String
    /// Whether a group was still in use when its machine was forgotten.
    var mustSweep = false
    /// When the socket was closed for the end; nil while it is open.
    private var closedAt: UInt64?
    private let timer: TimerDescriptor
    private var timerInterval: UInt64 = 0
    private var requests: FairStage<APIClient, PendingRequest>?
    private var cycle: Cycle?
    private let log: @Sendable (String) -> Void

    /// A request, and who waits for the answer.
    private struct PendingRequest: Sendable {
        let request: ManagerRequest
        let reply: @Sendable (Result<ManagerReply, ManagerProblem>, FairTurn) -> Void
    }

    /// Prepares the host and takes over what runs already.
    ///
    /// - Parameter log: is told what happens, a sentence each, on the loop's thread.
    public init(
        _ configuration: ManagerConfiguration, log: @escaping @Sendable (String) -> Void
    ) throws(SystemError) {
        self.configuration = configuration
        self.log = log
        // However it was named: two that are named alike from different places are two.
        let directory = try FileTree.realPath(configuration.runDirectory)
        groupParent = CPUControl.parent(ofManager: String(GroupTag(of: directory).value, radix: 36))
        var capabilities = HostCapabilities.discover(choice: configuration.mechanism)
        if configuration.mechanism != .best, capabilities.mechanism == .none {
            throw SystemError(
                "divide CPUs by what --mechanism asks for", number: 95,
                advice: capabilities.remarks.joined(separator: "; "))
        }
        var problem: String?
        let control: CPUControl
        do {
            control = try CPUControl(capabilities, parent: groupParent)
        } catch {
            // What discovery took for possible was not: the next best is nice values.
            problem = "\(capabilities.mechanism) cannot be used: \(error)"
            guard configuration.mechanism != .groups else {
                throw SystemError("divide CPUs by control groups", number: 95, advice: problem)
            }
            capabilities = capabilities.withoutGroups()
            do { control = try CPUControl(capabilities, parent: groupParent) } catch {
                throw SystemError("divide processors", number: 22, advice: "\(error)")
            }
        }
        self.control = control
        self.capabilities = capabilities
        processors = capabilities.processors
        self.directory = RunDirectoryScan(path: configuration.runDirectory)
        let capacity = CPUAmount(clamping: Int64(capabilities.capacity))
        fleet = Fleet(capacity: capacity)
        enforcement = Enforcement(mechanism: capabilities.mechanism, processors: capabilities.processors)
        loop = try EventLoop()
        timer = try TimerDescriptor()
        if let problem { troubles.set(.mechanism, problem) }
        if !self.control.remarks.isEmpty {
            troubles.set(.groups, self.control.remarks.joined(separator: "; "))
        }
        do throws(SystemError) {
            hostCapacity = try HostCapacity()
        } catch {
            hostCapacity = nil
            troubles.set(.capacity, "changes of the host's processors are not seen: \(error)")
        }
        try start()
    }

    private func start() throws(SystemError) {
        weighMachines()
        savedState = SavedState(path: file(ManagerFiles.state))
        for (pool, remark) in fleet.restore(savedState.pools) { troubles.set(.pool(pool), remark) }
        let meters = try StatsPage(
            Cycle.declarations + [StatsDeclaration("requests", StageShape.usual.shape)])
        cycle = Cycle(of: self, meters: meters.sections)
        // A few at a time: the cycle's stages come between them, however many wait.
        requests = FairStage(
            on: loop, limits: APILoad.limits, rule: APILoad.rule,
            meter: StageMeter(meters.sections[Cycle.declarations.count])
        ) { [unowned self] pending, turn in
            pending.reply(answer(pending.request), turn)
        }
        _ = try loop.watch(timer.descriptor.number, for: .readable) { [unowned self] _ in
            timer.drain()
            tick()
        }
        scan(at: HostClock.monotonicNanoseconds())
        do { try control.sweep(keeping: Set(machines.keys.map(groupName(of:)))) } catch {
            troubles.set(.leftovers, "\(error)")
            mustSweep = true
        }
        do { try control.sweepOthers() } catch { troubles.set(.otherManagers, "\(error)") }
        decideNow()
        setTimer()
    }

    /// The manager's place in the run directory.
    func file(_ name: String) -> String { configuration.runDirectory + "/" + name }

    /// Says what is wrong with the API's socket. From any thread.
    func remarkOnSocket(_ sentence: String) {
        socketIsTroubled.withLock { $0 = true }
        loop.enqueue { [self] in
            tell(sentence)
            troubles.set(.socket, sentence)
        }
    }

    /// Nothing is wrong with it any more: there is a connection. From any thread.
    func endRemarkOnSocket() {
        let wasTroubled = socketIsTroubled.withLock { isTroubled in
            defer { isTroubled = false }
            return isTroubled
        }
        if wasTroubled { loop.enqueue { [self] in troubles.clear(.socket) } }
    }

    func tell(_ sentence: String) { log(sentence) }

    /// Does everything, until `stop`, or until there has been no machine for long enough.
    ///
    /// The calling thread gets a nice value below the usual one, if that is permitted: its ticks come between
    /// machines that want all there is.
    public func run() {
        raisePriority()
        loop.run()
        letGo()
        do { try control.end() } catch { tell("\(error)") }
    }

    /// Lets all virtual CPUs run where they could before there was a manager: nobody moves them any more. What they are
    /// entitled to stays set.
    private func letGo() {
        for machine in inOrder {
            do { try machine.letGo() } catch {
                if case .ended = error { continue }
                tell("\(machine.name): \(error)")
            }
        }
    }

    /// The nice value of the loop's thread. A tick is short: it takes nothing from machines that they would notice.
    private static let nice = -10

    private func raisePriority() {
        let lowest: Int
        do {
            lowest = try ThreadScheduling.permitLowestNice(ofProcess: HostProcess.identifier)
            if lowest < 0 {
                try ThreadScheduling.setNice(of: HostThread.currentIdentifier, to: max(Self.nice, lowest))
                try control.setNiceOfOwnSession(Self.nice)
            }
        } catch {
            priorityRemark = "decisions may come late beside busy machines: \(error)"
            return
        }
        if lowest > Self.nice {
            priorityRemark =
                "decisions may come late beside busy machines: this process may not have the nice value "
                + "\(Self.nice); raise RLIMIT_NICE to \(20 - Self.nice) (LimitNICE=\(20 - Self.nice) in a unit)"
        }
    }

    /// Makes `run` return. From any thread.
    public func stop() {
        loop.stop()
    }

    /// Makes `run` return when a descriptor has something to read: a signal's, for one.
    public func stop(whenReadable descriptor: Int32) throws(SystemError) {
        _ = try loop.watch(descriptor, for: .readable) { [loop] _ in loop.stop() }
    }

    /// Asks something of the loop. From any thread.
    ///
    /// - Parameter reply: is called on the loop's thread, and sees to the turn's end.
    /// - Returns: why it is not taken, if it is not: then `reply` is not called.
    func submit(
        _ request: ManagerRequest, from client: APIClient,
        reply: @escaping @Sendable (Result<ManagerReply, ManagerProblem>, FairTurn) -> Void
    ) -> Admission {
        requests?.submit(PendingRequest(request: request, reply: reply), from: client) ?? .refused(.ended)
    }

    /// Often while there are machines, as the controller asks; now and then, to find some, if there are none.
    func setTimer() {
        let next =
            !machines.isEmpty
            ? interval : closedAt == nil ? configuration.scanInterval : configuration.graceAtEnd
        guard next != timerInterval else { return }
        timerInterval = next
        timer.set(afterNanoseconds: next, every: next)
    }

    private func tick() {
        let now = HostClock.monotonicNanoseconds()
        if now - (lastScan ?? 0) >= configuration.scanInterval {
            scan(at: now)
            lookAtHost()
        }
        guard machines.isEmpty else {
            idleSince = nil
            open()
            cycle?.observe(at: now)
            return
        }
        let since = idleSince ?? now
        idleSince = since
        guard let end = configuration.idleEnd, now - since >= end else { return }
        endUnlessAsked(at: now)
    }

    /// Ends in two steps, so that no request is lost: the socket goes first, and whoever connected before that
    /// still has an answer. If a machine comes meanwhile, the socket comes back.
    private func endUnlessAsked(at now: UInt64) {
        guard socketFile != nil else { return loop.stop() }
        if let closedAt {
            if now - closedAt >= configuration.graceAtEnd, requests?.underWay == 0 { loop.stop() }
            return
        }
        do throws(SystemError) {
            // Its other name keeps it bound.
            try socketFile?.rename(to: file(ManagerFiles.socket) + Self.closedSuffix)
        } catch {
            // Somebody has removed it: then nobody comes.
            tell("\(error)")
        }
        closedAt = now
        setTimer()
    }

    /// What the socket's name has at its end while it is closed.
    private static let closedSuffix = ".closed"

    /// Takes the socket back into use, if it was closed for the end.
    func open() {
        guard closedAt != nil else { return }
        closedAt = nil
        idleSince = nil
        do throws(SystemError) { try socketFile?.rename(to: file(ManagerFiles.socket)) } catch {
            tell("\(error)")
            loop.stop()
        }
    }

    /// Listens on the socket in the run directory, in place of what an earlier manager left there. For who holds the
    /// directory's lock, before `run`; without it the manager has no socket of its own, and closes none.
    public func listen(backlog: Int32) throws(SystemError) -> OwnedDescriptor {
        let socket = file(ManagerFiles.socket)
        for suffix in ["", Self.closedSuffix] { FileTree.remove(socket + suffix) }
        let listener = try LocalSocket.listen(at: socket, backlog: backlog)
        socketFile = try SocketFile(at: socket)
        return listener
    }

    /// Removes the socket, under whichever name, if it is still this manager's. For the process's end.
    public func removeSocket() {
        socketFile?.remove()
    }

    /// Decides at once, because something has changed.
    func decideNow() {
        cycle?.decideNow(at: HostClock.monotonicNanoseconds())
    }
}

/// A short number for a path (FNV-1a, 32 bits).
struct GroupTag {
    let value: UInt32

    init(of path: String) {
        value = path.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}

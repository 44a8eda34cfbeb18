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
    var machines: [VMName: ManagedMachine] = [:]
    var history = EntitlementHistory()
    var enforcement: Enforcement
    /// What no VM may exceed, its pools' limits taken in.
    var limits: [VMName: CPUAmount] = [:]
    /// How many host CPUs machines may use.
    let processorCount: Int
    /// The virtual CPUs that all machines together were last weighed as; nil before the first time.
    var weighed: Int?
    /// When machines were measured last.
    var measured: UInt64 = 0
    /// Nanoseconds between two looks at the machines.
    var interval: UInt64 = 50_000_000
    var savedState = SavedState()
    /// Sentences on what went wrong and will be tried again, the latest few.
    var troubles = BoundedSentences(limit: 8)
    /// What the loop's thread cannot have; nil if nothing.
    var priorityRemark: String?
    var lastScan: UInt64?
    /// When the last machine went; nil while there is one.
    var idleSince: UInt64?
    /// What the names of this run directory's groups end with.
    let groupSuffix: String
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
        groupSuffix = "@" + String(GroupTag(of: directory).value, radix: 36)
        var capabilities = HostCapabilities.discover()
        var problem: String?
        let control: CPUControl
        do {
            control = try CPUControl(capabilities)
        } catch {
            // What discovery took for possible was not: the next best is nice values.
            problem = "\(capabilities.mechanism) cannot be used: \(error)"
            capabilities = capabilities.withoutGroups
            do { control = try CPUControl(capabilities) } catch {
                throw SystemError("divide processors", number: 22, advice: "\(error)")
            }
        }
        self.control = control
        self.capabilities = capabilities
        processorCount = max(capabilities.processors.count, 1)
        let capacity = CPUAmount(clamping: Int64(capabilities.capacity))
        fleet = Fleet(capacity: capacity)
        enforcement = Enforcement(mechanism: capabilities.mechanism, processors: capabilities.processors)
        loop = try EventLoop()
        timer = try TimerDescriptor()
        if let problem { troubles.add(problem) }
        try start()
    }

    private func start() throws(SystemError) {
        weighMachines()
        savedState = SavedState(path: file(ManagerFiles.state))
        for remark in fleet.restore(savedState.pools) { troubles.add(remark) }
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
            troubles.add("\(error)")
        }
        decideNow()
        setTimer()
    }

    /// The manager's place in the run directory.
    func file(_ name: String) -> String { configuration.runDirectory + "/" + name }

    /// Says something that is no request's affair. From any thread.
    func remark(_ sentence: String) {
        loop.enqueue { [self] in
            tell(sentence)
            troubles.add(sentence)
        }
    }

    func tell(_ sentence: String) { log(sentence) }

    /// Does everything, until `stop`, or until there has been no machine for long enough.
    ///
    /// The calling thread gets a nice value below the usual one, if that is permitted: its ticks come between
    /// machines that want all there is.
    public func run() {
        raisePriority()
        loop.run()
        do { try control.end() } catch { tell("\(error)") }
    }

    /// The nice value of the loop's thread. A tick is short: it takes nothing from machines that they would notice.
    private static let nice = -10

    private func raisePriority() {
        let lowest = ThreadScheduling.lowestNice()
        do {
            if lowest < 0 {
                try ThreadScheduling.setNice(of: HostThread.currentIdentifier, to: max(Self.nice, lowest))
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
        if now - (lastScan ?? 0) >= configuration.scanInterval { scan(at: now) }
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
        guard configuration.ownsSocket else { return loop.stop() }
        if let closedAt {
            if now - closedAt >= configuration.graceAtEnd, requests?.underWay == 0 { loop.stop() }
            return
        }
        let socket = file(ManagerFiles.socket)
        do throws(SystemError) {
            // Its other name keeps it bound.
            try FileTree.rename(socket, to: socket + Self.closedSuffix)
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
        let socket = file(ManagerFiles.socket)
        do throws(SystemError) { try FileTree.rename(socket + Self.closedSuffix, to: socket) } catch {
            tell("\(error)")
            loop.stop()
        }
    }

    /// Removes the socket, under whichever name. For the process's end.
    public func removeSocket() {
        for suffix in ["", Self.closedSuffix] { FileTree.remove(file(ManagerFiles.socket) + suffix) }
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

/// A few sentences, each once, the oldest given up.
struct BoundedSentences {
    private let limit: Int
    private(set) var sentences: [String] = []

    init(limit: Int) {
        self.limit = limit
    }

    mutating func add(_ sentence: String) {
        sentences.removeAll { $0 == sentence }
        sentences.append(sentence)
        if sentences.count > limit { sentences.removeFirst() }
    }
}

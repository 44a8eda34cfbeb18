internal import Glibc
internal import GuestMemory
internal import HostSystem
internal import Stats

/// All of a balloon that its lock guards.
struct BalloonState: ~Copyable {
    /// Chains of one wake-up at most; then others get their turn.
    static let batch = 64
    /// Pages of one wake-up at most, as far as whole chains allow: 1 GiB.
    private static let batchPages = 1 << 18

    private let memory: PhysicalMemory
    /// Where target, claim, hint and poison stand for the guest (5.5.4).
    var configuration = ConfigurationSpace(size: 16)
    private var features: FeatureSet = []
    /// The roles of the queues, by number.
    private var roles: [BalloonRole] = []
    /// The queues, by role.
    private var queues: InlineArray<5, VirtQueue?> = InlineArray { _ in nil }

    private var chain = DescriptorChain()
    /// Chains of a batch that go back when it is done.
    private var heads: [UInt16] = []
    /// Page frame numbers as the guest writes them.
    private var frames = [UInt32](repeating: 0, count: 1024)
    /// What a batch gives back to the host.
    private var pending: PageSet
    /// What the guest has put in.
    private var held: PageSet

    /// The guest's buffer for statistics, kept until the next question.
    private var question: UInt16?
    private(set) var statistics = GuestStatistics()
    var hinting = FreePageHinting()
    private(set) var figures = BalloonFigures()

    /// In nanoseconds; 0 is never.
    var statisticsInterval: UInt64
    var isPaused = false
    /// Queues that had more than one batch.
    private var waiting: BalloonRoles = []
    /// Gives those their turn.
    var turn: EventRegistration?

    private let cells: BalloonCells
    /// Where else `heldBytes` is shown.
    var heldCell: StatsCell?

    /// A balloon that holds nothing.
    static func make(
        _ environment: DeviceEnvironment, _ wished: BalloonConfiguration
    ) throws(SystemError) -> BalloonState {
        let pages = environment.memory.pageCount
        return BalloonState(
            environment, wished, BalloonCells(try environment.section(BalloonShape.usual.shape)),
            try PageSet(capacity: pages), try PageSet(capacity: pages))
    }

    private init(
        _ environment: DeviceEnvironment, _ wished: BalloonConfiguration, _ cells: BalloonCells,
        _ pending: consuming PageSet, _ held: consuming PageSet
    ) {
        memory = environment.memory
        self.pending = pending
        self.held = held
        heads.reserveCapacity(Self.batch)
        statisticsInterval = wished.statisticsInterval
        self.cells = cells
        let pages = min(wished.targetBytes / AddressSpaceLayout.pageSize, UInt64(memory.pageCount))
        configuration.set(UInt32(truncatingIfNeeded: pages), at: Field.target)
    }

    /// The driver is ready.
    mutating func activate(_ set: inout QueueSet, _ features: FeatureSet) {
        self.features = features
        roles = BalloonRole.roles(features)
        for (index, role) in roles.enumerated() { queues[role.rawValue] = set.take(index) }
    }

    /// As a machine has it when it is made; the target and the figures stay.
    mutating func reset() {
        dropQueues()
        features = []
        roles = []
        held.removeAll()
        statistics = GuestStatistics()
        cells.show(statistics)
        hinting.reset()
        configuration.set(UInt32(0), at: Field.claimed)
        configuration.set(hinting.command, at: Field.hint)
        configuration.set(UInt32(0), at: Field.poison)
    }

    private mutating func dropQueues() {
        for index in queues.indices { queues[index] = nil }
        question = nil
        waiting = []
        heads.removeAll(keepingCapacity: true)
        pending.removeAll()
    }

    /// Where the configuration's fields are.
    enum Field {
        static let target = 0
        static let claimed = 4
        static let hint = 8
        static let poison = 12
    }

    var heldBytes: UInt64 { UInt64(held.count) * AddressSpaceLayout.pageSize }
    var targetBytes: UInt64 { bytes(at: Field.target) }
    var claimedBytes: UInt64 { bytes(at: Field.claimed) }

    private func bytes(at field: Int) -> UInt64 {
        UInt64(configuration.get(UInt32.self, at: field)) * AddressSpaceLayout.pageSize
    }

    /// Whether the driver has everything that statistics need.
    var canAsk: Bool { features.contains(.balloonStatistics) && statisticsInterval > 0 && !isPaused }

    /// The role of a queue of an activated device.
    func role(of index: Int) -> BalloonRole? {
        roles.indices.contains(index) ? roles[index] : nil
    }
}

/// Some of the roles.
struct BalloonRoles: OptionSet {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }
    init(_ roles: [BalloonRole]) { self.init(roles.map { Self(of: $0) }) }
    init(of role: BalloonRole) { rawValue = 1 &<< UInt8(role.rawValue) }

    func contains(_ role: BalloonRole) -> Bool { !isDisjoint(with: Self(of: role)) }
}

extension BalloonState {
    /// Whether a queue has more to do.
    var isWaiting: Bool { !waiting.isEmpty }

    /// The queues that have more to do, once.
    mutating func takeWaiting() -> BalloonRoles {
        defer { waiting = [] }
        return waiting
    }

    /// Serves one queue for one batch.
    ///
    /// - Returns: whether the configuration changed.
    /// - Throws: what the driver did; all queues are gone then, until the reset.
    mutating func serve(_ role: BalloonRole) throws(QueueError) -> Bool {
        guard !isPaused, var queue = queues[role.rawValue].take() else { return false }
        do throws(QueueError) {
            queue.disableNotification()
            let hasNews = try takeBatch(of: role, &queue)
            queue.signal()
            if try queue.enableNotification() { waiting.formUnion(BalloonRoles(of: role)) }
            queues[role.rawValue] = consume queue
            return hasNews
        } catch {
            dropQueues()
            throw error
        }
    }

    private mutating func takeBatch(
        of role: BalloonRole, _ queue: inout VirtQueue
    ) throws(QueueError) -> Bool {
        var hasNews = false
        while heads.count < Self.batch, pending.count < Self.batchPages, try queue.pop(into: &chain) {
            heads.append(chain.head)
            switch role {
            case .inflate: try readFrames(areIn: true)
            case .deflate: try readFrames(areIn: false)
            case .reporting: if !isPoisoned { takeRanges() }
            case .hinting: if takeHint() { hasNews = true }
            case .statistics: keepQuestion()
            }
        }
        discard(role)
        for head in heads { queue.push(head, written: 0) }
        heads.removeAll(keepingCapacity: true)
        return hasNews
    }

    /// Whether the guest expects other than zeros in pages it has reported: then they stay as they are.
    private var isPoisoned: Bool {
        features.contains(.balloonPoison) && configuration.get(UInt32.self, at: Field.poison) != 0
    }

    /// Takes an array of page frame numbers.
    private mutating func readFrames(areIn: Bool) throws(QueueError) {
        guard chain.readableBytes / 4 <= memory.pageCount else {
            throw .request("names more pages than the guest has")
        }
        while chain.readableBytes >= 4 {
            let count = min(chain.readableBytes / 4, frames.count)
            // SAFETY: the buffer has room for so many, and a UInt32 takes every bit pattern.
            let isRead = unsafe frames.withUnsafeMutableBytes { buffer in
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<(count * 4)])
                var bytes = unsafe part.mutableBytes
                return chain.read(into: &bytes)
            }
            guard isRead else { return }
            for index in 0..<count {
                guard let page = memory.page(frame: UInt64(UInt32(littleEndian: frames[index]))) else {
                    figures.ignoredPages += 1
                    continue
                }
                if areIn { putIn(page) } else { takeOut(page) }
            }
        }
    }

    private mutating func putIn(_ page: Int) {
        // Also what is in already: the guest may have touched it.
        pending.insert(page)
        if held.insert(page) { figures.inflatedPages += 1 } else { figures.repeatedPages += 1 }
    }

    private mutating func takeOut(_ page: Int) {
        if held.remove(page) { figures.deflatedPages += 1 } else { figures.repeatedPages += 1 }
    }

    /// Takes ranges of free memory: the chain's writable segments themselves.
    private mutating func takeRanges() {
        // SAFETY: the segments are validated RAM; only their numbers are used.
        let segments = unsafe chain.unsafeWritable
        for index in segments.indices {
            guard let start = unsafe segments[index].iov_base else { continue }
            // SAFETY: as above.
            pending.insert(unsafe memory.wholePages(from: start, count: segments[index].iov_len))
        }
    }

    /// Takes a command's number, or pages told upon it.
    ///
    /// - Returns: true if the configuration changed.
    private mutating func takeHint() -> Bool {
        var hasNews = false
        if let number = chain.read(as: UInt32.self, zero: 0) {
            hasNews = hinting.receive(UInt32(littleEndian: number))
            if hasNews { configuration.set(hinting.command, at: Field.hint) }
        }
        if hinting.takesPages { takeRanges() }
        return hasNews
    }

    /// Gives the batch's pages back to the host, before the guest hears that it may use them.
    private mutating func discard(_ role: BalloonRole) {
        guard pending.count > 0 else { return }
        let outcome = memory.discard(&pending)
        figures.discardCalls += UInt64(outcome.calls)
        figures.refusedPages += UInt64(outcome.refusedPages)
        switch role {
        case .reporting: figures.reportedPages += UInt64(outcome.pages)
        case .hinting: figures.hintedPages += UInt64(outcome.pages)
        default: break
        }
    }

    /// Reads what the guest tells, and keeps the buffer; one more than it should have given goes back.
    private mutating func keepQuestion() {
        statistics.read(&chain, at: HostClock.monotonicNanoseconds())
        cells.show(statistics)
        let newest = heads.removeLast()
        if let older = question { heads.append(older) }
        question = newest
    }

    /// Asks the guest for statistics by giving its buffer back, if it has told the last ones.
    mutating func ask() {
        let role = BalloonRole.statistics.rawValue
        guard canAsk, let head = question, var queue = queues[role].take() else { return }
        question = nil
        queue.push(head, written: 0)
        queue.signal()
        queues[role] = consume queue
    }

    /// Asks for free pages.
    mutating func requestFreePages() throws(BalloonError) {
        guard features.contains(.balloonHinting) else { throw .noHinting }
        hinting.start()
        configuration.set(hinting.command, at: Field.hint)
    }

    /// Wants no more free pages.
    ///
    /// - Returns: false if none were asked for.
    mutating func endFreePages() -> Bool {
        guard hinting.isActive else { return false }
        hinting.finish()
        configuration.set(hinting.command, at: Field.hint)
        return true
    }

    /// Puts the numbers where others see them.
    func show() {
        heldCell?.set(heldBytes)
        cells.show(figures, target: targetBytes, held: heldBytes, claimed: claimedBytes)
    }
}

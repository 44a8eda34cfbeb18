internal import HostSystem

/// The queues of an activated socket device (virtio 1.2, 5.10.2), with a vessel for their chains.
struct VsockQueues: ~Copyable {
    var receive: VirtQueue
    var transmit: VirtQueue
    var events: VirtQueue
    var chain = DescriptorChain()

    /// Nil if the driver has not set all of them up: the device then stays quiet.
    init?(_ queues: inout QueueSet) {
        guard let receive = queues.take(0), let transmit = queues.take(1), let events = queues.take(2) else {
            return nil
        }
        self.receive = receive
        self.transmit = transmit
        self.events = events
    }
}

/// All that a socket device knows; guarded by its lock.
///
/// Whatever happens on the host's side only marks a stream and puts it in line; `serve` then goes along
/// the line as far as the guest has buffers. So a full queue costs nothing while it is full, and streams
/// take turns.
struct VsockState: ~Copyable {
    let configuration: VsockConfiguration
    let loop: EventLoop
    let log: DeviceLog
    let listener: LocalListener
    let timer: TimerDescriptor
    let cells: VsockCells
    var table: VsockTable
    var refusals = VsockRefusals()
    var counts = VsockCounts()
    var queues: VsockQueues?
    var isPaused = false
    var isClosed = false
    /// Whether accepting may find something.
    var mustAccept = true
    /// Slots in the state `greeting`.
    var greetings = 0
    /// Slots in the state `connecting`.
    var connecting = 0
    /// The slot from which on programs without room are asked next: all get their turn.
    var firstToAsk = 0
    var nextHostPort: UInt32 = 0
    var isTimerSet = false
    /// Whether the guest is to hear that its streams are gone (5.10.6.7).
    var mustTellTransportReset = false
    /// Whether the worker has been called and has not come yet.
    var isWorkDue = false
    /// What does the work on the loop's thread, and what the loop tells of. Until the device is closed.
    var worker: EventRegistration?
    var registrations: [EventRegistration] = []
    /// Makes the handler of a stream's socket.
    var makeHandler: (@Sendable (Int, UInt32) -> (@Sendable (EventInterest) -> Void))?
    /// For what does not go straight to the guest.
    var scratch = [UInt8](repeating: 0, count: 4096)

    init(
        _ configuration: VsockConfiguration, _ environment: DeviceEnvironment,
        _ listener: consuming LocalListener, _ timer: consuming TimerDescriptor
    ) {
        self.configuration = configuration
        loop = environment.loop
        log = environment.log
        self.listener = listener
        self.timer = timer
        cells = VsockCells(environment.sections.first)
        table = VsockTable(capacity: configuration.limits.streams)
    }

    var limits: VsockLimits { configuration.limits }

    /// Has `serve` called soon on the loop's thread.
    mutating func scheduleWork() {
        guard !isWorkDue, let worker else { return }
        isWorkDue = true
        loop.signal(worker)
    }

    /// Does what there is to do, as far as a batch goes.
    ///
    /// - Returns: whether there is more.
    mutating func serve() throws(QueueError) -> Bool {
        isWorkDue = false
        guard !isPaused, !isClosed else { return false }
        var hasMore = acceptSome()
        guard var queues = queues.take() else { return hasMore }
        // An error leaves the device without its queues: quiet until the reset.
        if mustTellTransportReset { try tellTransportReset(&queues.events) }
        if try takePackets(&queues) { hasMore = true }
        let wasFull = refusals.isFull
        if try givePackets(&queues) { hasMore = true }
        if wasFull, !refusals.isFull { hasMore = true }
        self.queues = consume queues
        publish()
        return hasMore
    }

    /// Brings the section up to date.
    mutating func publish() {
        counts.streams = UInt64(table.count - greetings)
        counts.mostStreams = max(counts.mostStreams, counts.streams)
        cells.publish(counts)
    }

    /// VIRTIO_VSOCK_EVENT_TRANSPORT_RESET.
    private mutating func tellTransportReset(_ queue: inout VirtQueue) throws(QueueError) {
        var chain = DescriptorChain()
        guard try queue.pop(into: &chain) else {
            // The driver's next buffer rings; one that came meanwhile is for the next turn.
            if try queue.enableNotification() { scheduleWork() }
            return
        }
        guard chain.write(UInt32(0)) else { throw .request("has no room for an event") }
        queue.push(chain.head, written: 4)
        queue.signal()
        mustTellTransportReset = false
    }

    /// Ends every stream without a word to the guest.
    mutating func dropAll() {
        for index in 0..<table.slotCount where table[index].state != .free { remove(index) }
        refusals.clear()
        publish()
    }

    /// Looks at every stream as if something had happened to it: after a pause, in which nothing was done.
    mutating func reviewAll() {
        let now = HostClock.monotonicNanoseconds()
        for index in 0..<table.slotCount where table[index].state != .free {
            // Who was kept from acting is not late.
            if table[index].deadline > 0 { extendDeadline(index, from: now) }
            settle(index)
        }
        mustAccept = true
    }
}

// MARK: The life of a slot

extension VsockState {
    /// Takes a slot for a socket and watches that.
    ///
    /// - Returns: nil, with the socket closed, if that is not possible.
    mutating func adopt(_ socket: consuming OwnedDescriptor, _ state: VsockStream.State) -> Int? {
        guard let index = table.add(state) else { return nil }
        if attach(socket, to: index) { return index }
        table.remove(index)
        return nil
    }

    /// Gives a slot its socket and watches that.
    mutating func attach(_ socket: consuming OwnedDescriptor, to index: Int) -> Bool {
        guard let handler = makeHandler?(index, table[index].generation) else { return false }
        do {
            table[index].registration = try loop.watch(socket.number, for: Self.usualInterest, handler)
            table[index].socket = consume socket
            return true
        } catch {
            log.warning("\(error)")
            return false
        }
    }

    /// Edges: what is told once is remembered in the slot, so that nobody is told again and again of what
    /// cannot be taken now.
    private static let usualInterest: EventInterest = [.readable, .endOfInput, .edgeTriggered]

    /// Has the loop tell when the socket takes more, or not.
    mutating func setAwaitsRoom(_ index: Int, _ awaitsRoom: Bool) {
        guard table[index].awaitsRoom != awaitsRoom, let registration = table[index].registration else {
            return
        }
        table[index].awaitsRoom = awaitsRoom
        do {
            try loop.setInterest(
                awaitsRoom ? Self.usualInterest.union(.writable) : Self.usualInterest, of: registration)
        } catch {
            // Nobody would tell that it goes on.
            log.warning("\(error)")
            counts.faults += 1
            table[index].backlog.clear()
            reset(index)
        }
    }

    /// Closes the host's side.
    mutating func closeSocket(_ index: Int) {
        if let registration = table[index].registration { loop.unwatch(registration) }
        table[index].registration = nil
        table[index].socket = nil
        table[index].isReadable = false
        table[index].backlog.clear()
    }

    /// Ends a slot without a word to the guest.
    mutating func remove(_ index: Int) {
        switch table[index].state {
        case .greeting:
            greetings -= 1
            // There is room for another one.
            if mustAccept { scheduleWork() }
        case .connecting: connecting -= 1
        default: break
        }
        closeSocket(index)
        table.remove(index)
    }

    /// Ends a stream, and tells the guest if that knows of it.
    mutating func reset(_ index: Int) {
        if table[index].state == .requested, table[index].pending.contains(.request) { return remove(index) }
        if table[index].state == .connecting { connecting -= 1 }
        closeSocket(index)
        table[index].state = .resetting
        table[index].pending = .reset
        table[index].deadline = 0
        table.enqueue(index)
    }

    /// Puts a stream in line if it has something for the guest.
    mutating func enqueueIfUseful(_ index: Int) {
        if table[index].credit.mustTell, table[index].state == .established {
            table[index].pending.insert(.creditUpdate)
        }
        if table[index].hasSomething { table.enqueue(index) }
    }

    /// Has a stream end if nothing happens for its state's time.
    mutating func extendDeadline(_ index: Int, from now: UInt64 = HostClock.monotonicNanoseconds()) {
        let time =
            switch table[index].state {
            case .greeting: limits.greetingTime
            case .requested: limits.requestTime
            case .connecting: limits.connectTime
            default: limits.lingerTime
            }
        table[index].deadline = now &+ time
        setTimer()
    }
}

// MARK: Time

extension VsockState {
    /// How often programs that have no room for connections are asked, and how exact time limits are.
    private static let connectInterval: UInt64 = 10_000_000
    private static let interval: UInt64 = 100_000_000
    /// How many programs without room a turn asks.
    private static let connectBatch = 64

    mutating func setTimer() {
        guard !isTimerSet else { return }
        isTimerSet = true
        timer.set(afterNanoseconds: connecting > 0 ? Self.connectInterval : Self.interval)
    }

    /// The timer's time has come.
    mutating func tick() {
        isTimerSet = false
        // `resume` gives everybody new time.
        guard !isPaused, !isClosed else { return }
        let now = HostClock.monotonicNanoseconds()
        var mustGoOn = mustAccept && greetings < limits.greetings
        var asked = 0
        var next = 0
        for index in 0..<table.slotCount where table[index].deadline > 0 {
            if now >= table[index].deadline {
                expire(index)
                continue
            }
            mustGoOn = true
            guard table[index].state == .connecting, index >= firstToAsk, asked < Self.connectBatch else {
                continue
            }
            if !tryConnect(index) { asked += 1 }
            if asked == Self.connectBatch { next = index + 1 }
        }
        firstToAsk = next
        if mustGoOn { setTimer() }
        scheduleWork()
    }

    private mutating func expire(_ index: Int) {
        switch table[index].state {
        case .greeting, .draining:
            counts.faults += 1
            remove(index)
        case .requested, .connecting:
            counts.refusals += 1
            reset(index)
        case .established:
            // The host is gone, and the guest did not say that it has noticed.
            reset(index)
        case .free, .resetting: table[index].deadline = 0
        }
    }
}

internal import Boot
internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
public import Specification
internal import Stats
internal import Synchronization
internal import X86

/// A virtual machine that lives: memory, virtual CPUs and devices, made from a `MachineSpec`.
///
/// The one who made it calls `start`, waits for `ended`, and calls `join`. Everything else may be
/// called from any thread.
public final class Machine: Sendable {
    /// Signalled when the console has output to drain.
    public let outputReady: EventSource
    /// Signalled when the guest has taken console input and there is room for more.
    public let inputWanted: EventSource
    /// Signalled when the machine has ended; `end` then says why.
    public let ended: EventSource

    let memory: PhysicalMemory
    let platform: Platform
    let virtio: VirtioDevices
    private let host: HostedMachine
    private let processors: [VirtualProcessor]
    private let control: RunControl
    private let log: MachineLog
    let statistics: MachineStatistics
    private let outcome = Mutex<MachineEnd?>(nil)
    /// Held through each pause and resume: half of one between the halves of another would leave a
    /// running machine with paused devices, or a pause waiting for a barrier nobody comes to.
    private let pauseReasons: Mutex<PauseReasons>

    /// Makes the machine: everything is allocated and loaded, and no virtual CPU runs yet.
    ///
    /// - Parameters:
    ///   - isPaused: whether the virtual CPUs wait at the barrier until `resume`.
    ///   - statsPath: the file that becomes its stats page; nil for none that others can read.
    public init(
        _ spec: MachineSpec, isPaused: Bool = false, statsPath: String? = nil
    ) throws(MachineError) {
        log = MachineLog(name: spec.name, level: spec.logLevel)
        outputReady = try EventSource()
        inputWanted = try EventSource()
        ended = try EventSource()
        let construction = try MachineConstruction(spec)
        memory = construction.memory
        statistics = try MachineStatistics(
            spec, memory: memory, devices: spec.virtioDevices.flatMap(\.statistics), path: statsPath)
        let devices = try VirtioConstruction.begin(
            spec, memory: memory, sections: statistics.devices, log: log)
        do {
            let (plan, host) = try construction.makeMachine()
            log.debug(plan.summary)
            processors = try construction.makeProcessors(plan, on: host, statistics)
            self.host = host
        } catch {
            devices?.abandon()
            throw error
        }
        virtio = try devices?.finish(host, log) ?? VirtioDevices(nil, [])
        virtio.showBallooned(in: statistics.balloonedMemory)
        platform = try Platform(
            sink: InterruptBridge(host, directPins: virtio.interruptPins, log: log),
            virtioClaims: virtio.claims, log: log,
            outputReady: { [outputReady] in outputReady.signal() },
            inputWanted: { [inputWanted] in inputWanted.signal() })
        control = RunControl(processorCount: spec.cpus, isPaused: isPaused)
        pauseReasons = Mutex(PauseReasons(isAskedFor: isPaused))
    }

    /// Starts the virtual CPUs' threads. Once.
    public func start() throws(MachineError) {
        let surroundings = ProcessorSurroundings(
            ports: platform.ports, memoryDevices: platform.memoryDevices,
            interruptController: platform.interruptController, control: control,
            end: { [unowned self] end in finish(end) })
        do {
            for processor in processors { try processor.start(surroundings) }
            try virtio.start()
            statistics.showKernel(of: host)
        } catch {
            finish(.failed(.system(error)))
            throw .system(error)
        }
    }

    /// Stops all virtual CPUs at a barrier until `resume`, and returns when the last has reached it. Once `start`
    /// has been called; not from a virtual CPU's thread.
    ///
    /// - Returns: false if the machine has ended instead.
    @discardableResult
    public func pause() -> Bool {
        pauseReasons.withLock { reasons in
            guard standStill() else { return false }
            reasons.isAskedFor = true
            return true
        }
    }

    /// Takes `pause` back: the machine goes on, unless it is held. Harmless if it runs.
    public func resume() {
        pauseReasons.withLock { reasons in
            reasons.isAskedFor = false
            if !reasons.isAny { goOn() }
        }
    }

    /// Stops all virtual CPUs as `pause` does, for as long as what is returned exists.
    ///
    /// - Returns: nil if the machine has ended instead.
    func hold() -> PauseHold? {
        pauseReasons.withLock { reasons in
            guard standStill() else { return nil }
            return PauseHold(of: self, reasons.hold())
        }
    }

    /// Ends one hold, once; the machine goes on if nothing else keeps it.
    ///
    /// - Returns: whether it was in force until now.
    func end(_ hold: PauseReasons.Hold) -> Bool {
        pauseReasons.withLock { reasons in
            guard reasons.end(hold) else { return false }
            if !reasons.isAny { goOn() }
            return true
        }
    }

    /// Lets the machine go on, whoever paused or holds it: a guest that shall power off must run.
    func endAllPauses() {
        pauseReasons.withLock { reasons in
            reasons.removeAll()
            goOn()
        }
    }

    private func standStill() -> Bool {
        guard control.pause(kick: { kickAll() }) else { return false }
        platform.serial.pause()
        virtio.pause()
        return true
    }

    private func goOn() {
        virtio.resume()
        platform.serial.resume()
        control.resume()
    }

    /// Whether the virtual CPUs are stopped, for whatever reason.
    public var isPaused: Bool { control.isPaused }

    /// Whether `pause` was called and not taken back since.
    var isPauseAskedFor: Bool { pauseReasons.withLock { $0.isAskedFor } }

    /// How many holds are in force.
    var holds: Int { pauseReasons.withLock { $0.holds } }

    /// Whether a hold is in force still.
    func isInForce(_ hold: PauseReasons.Hold) -> Bool { pauseReasons.withLock { $0.contains(hold) } }

    /// Does something while no virtual CPU runs; a machine that is not paused goes on afterwards. Not from
    /// a virtual CPU's thread.
    ///
    /// - Returns: nil if the machine has ended instead.
    func atBarrier<Result, Failure: Error>(
        _ body: ([VirtualProcessor]) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        try pauseReasons.withLock { (_) throws(Failure) in
            let wasPaused = control.isPaused
            guard control.pause(kick: { kickAll() }) else { return nil }
            defer { if !wasPaused { control.resume() } }
            return try body(processors)
        }
    }

    /// The devices that people can control, in the order of a status.
    var devices: [any DeviceControl] { platform.devices + virtio.controls }

    /// The balloon, if there is one.
    var balloon: (any BalloonControl)? { virtio.balloon }

    /// Presses the ACPI power button.
    ///
    /// - Returns: false if the guest does not listen to it.
    public func pressPowerButton() -> Bool {
        let pin = Int(PCPlatform.powerButtonInterrupt)
        guard let route = platform.interruptController.route(pin: pin), !route.isMasked else { return false }
        platform.powerButton.press()
        return true
    }

    /// Ends the machine. The first call counts.
    public func finish(_ end: MachineEnd) {
        let isFirst = outcome.withLock { outcome in
            guard outcome == nil else { return false }
            outcome = end
            return true
        }
        guard isFirst else { return }
        control.stop { kickAll() }
        ended.signal()
    }

    /// Why the machine ended, once it has.
    public var end: MachineEnd? { outcome.withLock { $0 } }

    /// Waits until every virtual CPU's thread has ended. Not from one of them.
    public func join() {
        for processor in processors { processor.join() }
        virtio.stop()
    }

    private func kickAll() {
        for processor in processors { processor.kick() }
    }
}

extension Machine {
    /// Takes what the guest wrote to its console: fills `bytes` from the start and returns how many.
    /// One thread at a time.
    public func drainConsole(into bytes: inout [UInt8]) -> Int {
        let count = platform.serial.drainOutput(into: &bytes)
        if count > 0 {
            statistics.console.output.add(UInt64(count))
            statistics.console.dropped.set(platform.consoleOutput.droppedBytes)
        }
        return count
    }

    /// Looks whether a console that nobody reads must go on without; see `Serial16550.reviewOutput`.
    ///
    /// - Returns: the time by `HostClock.monotonicNanoseconds` when to look again, if so.
    public func reviewConsole() -> UInt64? {
        platform.serial.reviewOutput()
    }

    /// Gives the guest console input; answers how many bytes it took.
    public func typeToConsole(_ bytes: ArraySlice<UInt8>) -> Int {
        let count = platform.serial.receive(Array(bytes).span)
        if count > 0 { statistics.console.input.add(UInt64(count)) }
        return count
    }

    /// Console output that was lost because nobody read it, in bytes.
    public var droppedConsoleBytes: UInt64 { platform.consoleOutput.droppedBytes }

    /// Accesses to ports and addresses where nothing is, so far.
    public var unclaimedAccesses: UInt64 {
        platform.ports.unclaimedReads + platform.ports.unclaimedWrites
            + platform.memoryDevices.unclaimedReads + platform.memoryDevices.unclaimedWrites
    }
}

/// An event several parts of a program share: signalled by some, waited for by one.
public final class EventSource: Sendable {
    private let event: EventDescriptor

    init() throws(MachineError) {
        do {
            event = try EventDescriptor()
        } catch {
            throw .system(error)
        }
    }

    /// For waiting with poll(2).
    public var descriptor: Int32 { event.descriptor.number }

    /// Wakes the waiter.
    public func signal() { event.signal() }

    /// Takes the signals so far.
    public func clear() { event.drain() }
}

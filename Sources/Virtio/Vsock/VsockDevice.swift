public import Devices
public import HostSystem

/// The socket device (virtio 1.2, 5.10): streams between programs of the guest and of the host, which has
/// them as Unix sockets, as Firecracker made customary.
///
/// A program of the host connects to the path, says `CONNECT <port>` and a new line, and hears `OK <port>`
/// and a new line if a program of the guest has accepted. A program of the guest that connects to a port of
/// the host reaches the Unix socket at the path, `_` and the port.
public final class VsockDevice: VirtioDevice {
    let environment: DeviceEnvironment
    let configuration: VsockConfiguration
    private let state: Guarded<VsockState>

    /// Listens at the path; nobody is accepted before the loop runs.
    ///
    /// - Throws: why that is not possible, naming the path: `EADDRINUSE` if somebody listens there.
    public init(_ configuration: VsockConfiguration, _ environment: DeviceEnvironment) throws(SystemError) {
        self.configuration = configuration
        self.environment = environment
        let listener = try LocalListener(at: configuration.path)
        let timer: TimerDescriptor
        do {
            timer = try TimerDescriptor()
        } catch {
            listener.removeFile()
            throw error
        }
        state = Guarded(VsockState(configuration, environment, listener, timer))
        do {
            try watch()
        } catch {
            close()
            throw error
        }
    }

    private func watch() throws(SystemError) {
        let loop = environment.loop
        try state.withLock { state throws(SystemError) in
            state.worker = loop.watchSignals { [self] in work() }
            state.makeHandler = { [self] index, generation in
                { [self] reasons in socketReady(index, generation, reasons) }
            }
            let listening = try loop.watch(
                state.listener.socket.number, for: [.readable, .edgeTriggered]
            ) { [self] _ in clientsWait() }
            state.registrations.append(listening)
            let timing = try loop.watch(
                state.timer.descriptor.number, for: [.readable, .edgeTriggered]
            ) { [self] _ in timeHasCome() }
            state.registrations.append(timing)
        }
    }

    /// Socket.
    public var kind: VirtioDeviceKind { .socket }
    /// VIRTIO_VSOCK_F_STREAM.
    public var features: FeatureSet { FeatureSet(bit: 0) }
    /// rx, tx, event.
    public var queueSizes: [UInt16] { [256, 256, 8] }

    /// The guest's context identifier, 64 bits (5.10.4).
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 {
        var space = ConfigurationSpace(size: 8)
        space.set(UInt64(configuration.guestCID), at: 0)
        return space.read(offset: offset, width: width)
    }

    /// Takes the queues.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        var queues = queues
        var taken = VsockQueues(&queues)
        state.withLock { $0.queues = taken.take() }
    }

    /// Looks at all queues.
    public func queueNotified(_ index: Int) {
        work()
    }

    /// Touches nothing until `resume`; what sockets tell meanwhile is remembered.
    public func pause() {
        state.withLock { $0.isPaused = true }
    }

    /// Looks at what came meanwhile. Time limits begin anew.
    public func resume() {
        state.withLock { state in
            state.isPaused = false
            state.reviewAll()
            state.scheduleWork()
        }
    }

    /// Ends every stream: the guest forgets them too.
    public func reset() {
        state.withLock { state in
            state.queues = nil
            state.mustTellTransportReset = false
            state.dropAll()
        }
    }

    /// Ends every stream and tells the guest (5.10.6.7): after its memory came from somewhere else, where
    /// there were streams that are not here.
    public func resetTransport() {
        state.withLock { state in
            state.dropAll()
            state.mustTellTransportReset = true
            state.scheduleWork()
        }
    }

    /// Ends everything, and removes the socket's file. For good; more than once does no harm.
    public func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            state.queues = nil
            state.dropAll()
            state.listener.removeFile()
            for registration in state.registrations { environment.loop.unwatch(registration) }
            if let worker = state.worker { environment.loop.unwatch(worker) }
            state.registrations = []
            state.worker = nil
            state.makeHandler = nil
        }
    }

    /// For people, while the machine runs.
    public var control: (any DeviceControl)? { VsockStatus(self) }

    /// What it has done so far.
    public var counts: VsockCounts {
        state.withLock { state in
            state.publish()
            return state.counts
        }
    }
}

// MARK: On the loop's thread

extension VsockDevice {
    private func work() {
        state.withLock { state in
            do throws(QueueError) {
                if try state.serve() { state.scheduleWork() }
            } catch {
                environment.signals.fail(error)
            }
        }
    }

    private func socketReady(_ index: Int, _ generation: UInt32, _ reasons: EventInterest) {
        state.withLock { $0.socketReady(index, generation: generation, reasons) }
    }

    private func clientsWait() {
        state.withLock { state in
            state.mustAccept = true
            if !state.isPaused { state.scheduleWork() }
        }
    }

    private func timeHasCome() {
        state.withLock { $0.tick() }
    }
}

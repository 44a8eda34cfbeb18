internal import HostSystem

extension NetworkDevice {
    /// The tap has something to read, room again, or is gone.
    func tapIsReady(_ reasons: EventInterest) {
        if !reasons.isDisjoint(with: [.error, .hangUp]), tap.isGone {
            state.withLock { loseTap(&$0) }
        }
        if reasons.contains(.readable) { receive() }
        if reasons.contains(.writable), state.withLock({ $0.sender.isBlocked }) { send() }
    }

    /// A turn towards the guest.
    func receive() {
        let end = take { state, around throws(QueueError) in
            state.tapIsLost ? .idle : try state.receiver.turn(tap, around)
        }
        switch end {
        case .more: signal(state.withLock { $0.receiveWatch })
        case .until(let time): receiveTimer.set(afterNanoseconds: Self.nanoseconds(until: time))
        case .idle, .tapLost: break
        }
    }

    /// A turn towards the tap.
    func send() {
        let end = take { state, around throws(QueueError) in
            try state.sender.turn(tap, tapIsLost: state.tapIsLost, around)
        }
        switch end {
        case .more, .tapLost: signal(state.withLock { $0.sendWatch })
        case .until(let time): sendTimer.set(afterNanoseconds: Self.nanoseconds(until: time))
        case .idle: break
        }
    }

    private static func nanoseconds(until time: UInt64) -> UInt64 {
        let now = HostClock.monotonicNanoseconds()
        return time > now ? time - now : 0
    }

    /// One turn with the lock held.
    private func take(
        _ turn: (inout State, borrowing NetworkSurroundings) throws(QueueError) -> NetworkTurn
    ) -> NetworkTurn {
        state.withLock { state in
            guard !state.isPaused else { return .idle }
            let around = NetworkSurroundings(
                counters: counters, features: state.features, longestFrame: state.longestFrame)
            do throws(QueueError) {
                let end = try turn(&state, around)
                if end == .tapLost { loseTap(&state) }
                return end
            } catch {
                fail(error, &state)
                return .idle
            }
        }
    }

    /// What the driver asks for.
    func serveControl() {
        let hasMore = state.withLock { state in
            guard !state.isPaused, var queue = state.controlQueue.take() else { return false }
            do throws(QueueError) {
                let hasMore = try NetworkRequest.answer(&queue) { carryOut($0, &state) }
                state.controlQueue = consume queue
                return hasMore
            } catch {
                fail(error, &state)
                return false
            }
        }
        if hasMore { environment.loop.enqueue { [weak self] in self?.serveControl() } }
    }

    private func fail(_ error: QueueError, _ state: inout State) {
        state.forgetQueues()
        environment.signals.fail(error)
    }

    private func carryOut(_ request: NetworkRequest, _ state: inout State) -> Bool {
        switch request {
        case .setAddress(let address):
            guard state.features.contains(.controlAddress) else { return false }
            state.configuration.setAddress(address)
            return true
        case .setOffloads(let offloads):
            let possible = state.features.intersection(.guestOffloads)
            guard state.features.contains(.controlOffloads), possible.isSuperset(of: offloads) else {
                return false
            }
            return setOffloads(offloads, &state)
        }
    }

    /// Takes the link down.
    private func loseTap(_ state: inout State) {
        guard !state.tapIsLost else { return }
        state.tapIsLost = true
        state.configuration.set(UInt16(0), at: NetworkConfigurationField.status)
        environment.log.warning("the tap \(tap.name) is gone: the guest's link is down")
        environment.signals.configurationChanged()
    }
}

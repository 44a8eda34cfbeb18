internal import HostSystem
internal import Glibc

// The host's side: programs that connect, programs that are connected to, and what they send and take.

extension VsockState {
    /// Accepts programs of the host, some at a time.
    ///
    /// - Returns: whether there may be more right now.
    mutating func acceptSome() -> Bool {
        var count = 0
        while mustAccept, greetings < limits.greetings {
            guard count < limits.batch else { return true }
            count += 1
            do {
                guard let socket = try LocalSocket.accept(listener.socket) else {
                    mustAccept = false
                    return false
                }
                greet(socket)
            } catch {
                // No descriptor is free, most likely. Who waits is asked again when the timer ticks.
                log.warning("\(error)")
                setTimer()
                return false
            }
        }
        return false
    }

    private mutating func greet(_ socket: consuming OwnedDescriptor) {
        // Without a driver there is nobody to connect to.
        guard queues != nil, let index = adopt(socket, .greeting) else {
            counts.refusals += 1
            return
        }
        greetings += 1
        extendDeadline(index)
        table[index].isReadable = true
        settle(index)
    }

    /// The loop tells of a stream's socket.
    mutating func socketReady(_ index: Int, generation: UInt32, _ reasons: EventInterest) {
        guard index < table.slotCount, table[index].generation == generation, table[index].state != .free
        else { return }
        if !reasons.isDisjoint(with: [.readable, .endOfInput, .hangUp, .error]) {
            table[index].isReadable = true
        }
        if !reasons.isDisjoint(with: [.hangUp, .error]) { table[index].isHungUp = true }
        guard !isPaused else { return }
        settle(index)
        if !table.isLineEmpty { scheduleWork() }
    }

    /// Does for a slot what can be done without the guest, and puts it in line for what cannot.
    mutating func settle(_ index: Int) {
        switch table[index].state {
        case .greeting:
            if table[index].isReadable { readGreeting(index) }
        case .established, .draining:
            if !table[index].backlog.isEmpty { flush(index) }
            if table[index].state == .established {
                // Nobody reads any more what would show that the program is gone.
                if table[index].isHungUp, table[index].guestShutdown.contains(.receive) {
                    table[index].hostShutdown.insert(.send)
                    hostTakesNoMore(index)
                }
                enqueueIfUseful(index)
            }
        case .free, .requested, .connecting, .resetting: break
        }
    }

    /// Reads where a program wants to connect to.
    private mutating func readGreeting(_ index: Int) {
        guard let descriptor = table[index].descriptor else { return remove(index) }
        var span = scratch.mutableSpan
        // SAFETY: bytes have no padding.
        var room = unsafe span.mutableBytes
        var part = room._mutatingExtracting(first: ConnectLine.longest)
        let count = StreamSocket.peek(descriptor, into: &part)
        if count == -Int(EAGAIN) {
            table[index].isReadable = false
            return
        }
        guard count > 0 else { return remove(index) }
        switch ConnectLine(scratch[..<count]) {
        case .incomplete where !table[index].isHungUp:
            table[index].isReadable = false
        case .incomplete, .wrong:
            counts.refusals += 1
            remove(index)
        case .port(let port, let length):
            var span = scratch.mutableSpan
            // SAFETY: bytes have no padding.
            var room = unsafe span.mutableBytes
            var part = room._mutatingExtracting(first: length)
            guard StreamSocket.receive(descriptor, into: &part) == length else { return remove(index) }
            greetings -= 1
            table[index].state = .requested
            table[index].credit = VsockCredit(allocation: limits.streamBuffer)
            table.name(index, VsockPorts(guest: port, host: freeHostPort(guest: port)))
            table[index].pending = .request
            extendDeadline(index)
            table.enqueue(index)
        }
    }

    /// A port of the host's for a stream to a guest's port: from 2^30 on, so that it looks like none of a
    /// service.
    private mutating func freeHostPort(guest: UInt32) -> UInt32 {
        while true {
            // There are more ports than streams, so this ends.
            let port = 0x4000_0000 | (nextHostPort & 0x3FFF_FFFF)
            nextHostPort &+= 1
            if table.find(VsockPorts(guest: guest, host: port)) == nil { return port }
        }
    }

    /// The guest has accepted what a program of the host wished for.
    mutating func greetBack(_ index: Int) {
        guard let descriptor = table[index].descriptor else { return }
        counts.toGuest += 1
        table[index].state = .established
        table[index].deadline = 0
        let line = Array("OK \(table[index].ports.host)\n".utf8)
        // SAFETY: bytes have no padding.
        let count = unsafe StreamSocket.send(descriptor, line.span.bytes)
        // Nothing was sent before, so that there is room; else the program is gone.
        if count == line.count { return enqueueIfUseful(index) }
        table[index].isReadable = true
        hostTakesNoMore(index)
    }

    /// Connects the guest to a program of the host's, which listens at the path, `_` and the port.
    mutating func connect(_ packet: VsockPacket, _ ports: VsockPorts) {
        guard let index = table.add(.connecting) else { return refuse(packet) }
        connecting += 1
        table.name(index, ports)
        table[index].credit = VsockCredit(allocation: limits.streamBuffer)
        table[index].credit.learn(packet)
        if tryConnect(index) { return }
        extendDeadline(index)
    }

    /// - Returns: false if the program has too many that wait, and must be asked again.
    mutating func tryConnect(_ index: Int) -> Bool {
        do {
            let socket = try LocalSocket.connect(to: "\(configuration.path)_\(table[index].ports.host)")
            guard attach(socket, to: index) else {
                counts.refusals += 1
                reset(index)
                return true
            }
            connecting -= 1
            counts.toHost += 1
            table[index].state = .established
            table[index].deadline = 0
            table[index].pending = .response
            table.enqueue(index)
        } catch  where error.number == EAGAIN {
            return false
        } catch {
            if error.number != ENOENT, error.number != ECONNREFUSED { log.warning("\(error)") }
            counts.refusals += 1
            reset(index)
        }
        return true
    }

    /// Sends the program what it had no room for.
    mutating func flush(_ index: Int) {
        guard let descriptor = table[index].descriptor else { return }
        let count = table[index].backlog.send(to: descriptor)
        if count == -Int(EAGAIN) { return setAwaitsRoom(index, true) }
        guard count > 0 else { return hostTakesNoMore(index) }
        table[index].credit.forward(UInt32(truncatingIfNeeded: count))
        guard table[index].backlog.isEmpty else {
            if table[index].deadline > 0 { extendDeadline(index) }
            return setAwaitsRoom(index, true)
        }
        guard table[index].state == .established else { return finishDraining(index) }
        setAwaitsRoom(index, false)
        if table[index].guestShutdown.contains(.send) { StreamSocket.endSending(descriptor) }
    }

    /// The program takes no more: what is there for it is thrown away.
    mutating func hostTakesNoMore(_ index: Int) {
        table[index].credit.forward(UInt32(truncatingIfNeeded: table[index].backlog.count))
        table[index].backlog.clear()
        guard table[index].state == .established else { return finishDraining(index) }
        setAwaitsRoom(index, false)
        table[index].hostShutdown.insert(.receive)
        table[index].pending.insert(.shutdown)
        table.enqueue(index)
    }

    /// The program has all it will get of a stream that is over for the guest.
    private mutating func finishDraining(_ index: Int) {
        closeSocket(index)
        guard table[index].pending.contains(.reset) else { return remove(index) }
        table[index].state = .resetting
        table[index].deadline = 0
    }
}

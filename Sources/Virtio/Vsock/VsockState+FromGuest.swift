internal import HostSystem
internal import Glibc

// Packets from the guest. Every field is the guest's to choose.

extension VsockState {
    /// Takes packets from the transmit queue, as far as a batch goes, and as there is room for answers.
    ///
    /// - Returns: whether there are more.
    mutating func takePackets(_ queues: inout VsockQueues) throws(QueueError) -> Bool {
        var count = 0
        queues.transmit.disableNotification()
        defer { queues.transmit.signal() }
        // With no room for answers the guest has to make some: it rings for the receive queue then.
        while !refusals.isFull {
            guard count < limits.batch else { return true }
            guard try queues.transmit.pop(into: &queues.chain) else {
                if try queues.transmit.enableNotification() { continue }
                return false
            }
            count += 1
            let head = queues.chain.head
            try take(&queues.chain)
            queues.transmit.push(head, written: 0)
        }
        return false
    }

    private mutating func take(_ chain: inout DescriptorChain) throws(QueueError) {
        guard let packet = chain.read(as: VsockPacket.self, zero: VsockPacket()) else {
            throw .request("is shorter than a packet's header")
        }
        counts.packetsFromGuest += 1
        guard packet.sourceCID == UInt64(configuration.guestCID) else {
            counts.dropped += 1
            return
        }
        guard packet.destinationCID == VsockPacket.hostCID, packet.kind == VsockPacket.stream else {
            return refuse(packet)
        }
        let ports = VsockPorts(guest: packet.sourcePort, host: packet.destinationPort)
        let operation = VsockOperation(rawValue: packet.operation)
        guard let index = table.find(ports) else {
            guard operation == .request else { return refuse(packet) }
            return connect(packet, ports)
        }
        table[index].credit.learn(packet)
        if table[index].credit.room > 0 { table[index].hasAskedForCredit = false }
        switch (operation, table[index].state) {
        case (.reset, _): end(index)
        // It will hear that it is over.
        case (_, .resetting): counts.dropped += 1
        case (.response, .requested) where !table[index].pending.contains(.request): greetBack(index)
        case (.data, .established): takeData(index, packet, &chain)
        case (.shutdown, .established): takeShutdown(index, VsockShutdown(rawValue: packet.flags))
        case (.creditUpdate, .established): enqueueIfUseful(index)
        case (.creditRequest, .established):
            table[index].pending.insert(.creditUpdate)
            table.enqueue(index)
        default: fault(index)
        }
    }

    /// Answers a packet that belongs to no stream.
    mutating func refuse(_ packet: VsockPacket) {
        // A reset is never answered: two sides could go on for ever.
        guard packet.operation != VsockOperation.reset.rawValue else {
            counts.dropped += 1
            return
        }
        if packet.operation == VsockOperation.request.rawValue {
            counts.refusals += 1
        } else {
            counts.dropped += 1
        }
        refusals.append(packet.refusal)
    }

    /// The guest has done with a stream what it must not.
    private mutating func fault(_ index: Int) {
        counts.faults += 1
        reset(index)
    }

    private mutating func takeData(_ index: Int, _ packet: VsockPacket, _ chain: inout DescriptorChain) {
        let length = packet.length
        guard UInt64(length) <= UInt64(chain.readableBytes), !table[index].guestShutdown.contains(.send),
            table[index].credit.receive(length)
        else { return fault(index) }
        guard length > 0 else { return enqueueIfUseful(index) }
        counts.bytesFromGuest += UInt64(length)
        chain.limitReadable(to: Int(length))
        deliver(index, &chain)
        if table[index].state == .established { enqueueIfUseful(index) }
    }

    /// Sends what is in a chain to the host, and keeps what that does not take.
    private mutating func deliver(_ index: Int, _ chain: inout DescriptorChain) {
        guard !table[index].hostShutdown.contains(.receive), let descriptor = table[index].descriptor else {
            return table[index].credit.forward(UInt32(truncatingIfNeeded: chain.readableBytes))
        }
        if table[index].backlog.isEmpty {
            // SAFETY: the chain's segments, valid until it is changed below.
            let count = unsafe StreamSocket.send(descriptor, from: chain.unsafeReadable)
            if count > 0 {
                chain.skipReadable(count)
                table[index].credit.forward(UInt32(truncatingIfNeeded: count))
            } else if count != -Int(EAGAIN) {
                table[index].credit.forward(UInt32(truncatingIfNeeded: chain.readableBytes))
                return hostTakesNoMore(index)
            }
        }
        guard chain.readableBytes > 0 else { return }
        table[index].backlog.append(&chain)
        setAwaitsRoom(index, true)
    }

    private mutating func takeShutdown(_ index: Int, _ flags: VsockShutdown) {
        let before = table[index].guestShutdown
        table[index].guestShutdown.formUnion(flags.intersection(.both))
        let now = table[index].guestShutdown
        if now == .both { return close(index) }
        guard let descriptor = table[index].descriptor else { return }
        if now.contains(.send), !before.contains(.send), table[index].backlog.isEmpty {
            StreamSocket.endSending(descriptor)
        }
        if now.contains(.receive), !before.contains(.receive) { StreamSocket.endReceiving(descriptor) }
        enqueueIfUseful(index)
    }

    /// The guest does nothing more with a stream: it gets the reset that it waits for, and the host what is
    /// left.
    private mutating func close(_ index: Int) {
        guard !table[index].backlog.isEmpty else { return reset(index) }
        drain(index)
        table[index].pending = .reset
        table.enqueue(index)
    }

    /// The guest has reset a stream.
    private mutating func end(_ index: Int) {
        if table[index].state == .requested { counts.refusals += 1 }
        // What it sent before it said that it will send no more was sent in good order.
        guard table[index].state == .established, table[index].guestShutdown.contains(.send),
            !table[index].backlog.isEmpty
        else { return remove(index) }
        drain(index)
        table[index].pending = []
    }

    private mutating func drain(_ index: Int) {
        table[index].state = .draining
        table.unname(index)
        extendDeadline(index)
    }
}

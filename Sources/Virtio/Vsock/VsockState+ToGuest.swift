internal import HostSystem
internal import Glibc

// Packets to the guest: one of each stream in line, in turn, as long as the guest has buffers.

extension VsockState {
    private enum Outcome {
        /// The chain holds so many bytes for the guest.
        case filled(Int)
        /// There was nothing; the chain is as it was popped, or not.
        case nothing
    }

    /// Fills buffers of the receive queue, as far as a batch goes.
    ///
    /// - Returns: whether there is more, and buffers for it.
    mutating func givePackets(_ queues: inout VsockQueues) throws(QueueError) -> Bool {
        var count = 0
        queues.receive.disableNotification()
        defer { queues.receive.signal() }
        while !refusals.isEmpty || !table.isLineEmpty {
            guard count < limits.batch else { return true }
            guard try queues.receive.pop(into: &queues.chain) else {
                // Until the guest has buffers again nothing is read from any socket.
                if try queues.receive.enableNotification() { continue }
                return false
            }
            count += 1
            let head = queues.chain.head
            switch try fillNext(&queues.chain) {
            case .filled(let written):
                counts.packetsToGuest += 1
                queues.receive.push(head, written: written)
            case .nothing: queues.receive.undoPop()
            }
        }
        return false
    }

    private mutating func fillNext(_ chain: inout DescriptorChain) throws(QueueError) -> Outcome {
        guard chain.writableBytes >= VsockPacket.size else {
            throw .request("for receiving has no room for a packet's header")
        }
        if let refusal = refusals.popFirst() {
            chain.write(refusal)
            return .filled(VsockPacket.size)
        }
        guard let index = table.dequeue() else { return .nothing }
        let outcome = try fill(index, &chain)
        if table[index].state != .free { enqueueIfUseful(index) }
        return outcome
    }

    /// The most urgent packet of a stream.
    private mutating func fill(_ index: Int, _ chain: inout DescriptorChain) throws(QueueError) -> Outcome {
        let pending = table[index].pending
        if pending.contains(.reset) {
            write(index, .reset, &chain)
            if table[index].state == .draining { table[index].pending = [] } else { remove(index) }
            return .filled(VsockPacket.size)
        }
        if pending.contains(.request) { return control(index, .request, .request, &chain) }
        if pending.contains(.response) { return control(index, .response, .response, &chain) }
        if table[index].canReceive {
            if table[index].credit.room > 0 { return try fillData(index, &chain) }
            // Once: a guest that has told its state and has no room will tell when it has some.
            if !table[index].hasAskedForCredit {
                table[index].hasAskedForCredit = true
                table[index].pending.insert(.creditRequest)
            }
        }
        if pending.contains(.shutdown) { return tellShutdown(index, &chain) }
        if pending.contains(.creditUpdate) {
            return control(index, .creditUpdate, .creditUpdate, &chain)
        }
        if table[index].pending.contains(.creditRequest) {
            return control(index, .creditRequest, .creditRequest, &chain)
        }
        return .nothing
    }

    /// Receives from the host's socket straight into the guest's buffer.
    private mutating func fillData(
        _ index: Int, _ chain: inout DescriptorChain
    ) throws(QueueError) -> Outcome {
        guard let descriptor = table[index].descriptor else {
            table[index].isReadable = false
            return .nothing
        }
        let room = min(chain.writableBytes - VsockPacket.size, Int(table[index].credit.room))
        guard room > 0 else { throw .request("for receiving has no room for data") }
        let header = chain.takeFirstWritable(VsockPacket.size)
        let count: Int
        if header != nil {
            chain.limitWritable(to: room)
            // SAFETY: the chain's segments, valid until it is changed.
            count = unsafe StreamSocket.receive(descriptor, into: chain.unsafeWritable)
        } else {
            // A header in pieces (2.7.4.1 allows it, no driver we know does it) is written with the data.
            var span = scratch.mutableSpan
            // SAFETY: bytes have no padding.
            var bytes = unsafe span.mutableBytes
            var part = bytes._mutatingExtracting(first: min(room, bytes.byteCount))
            count = StreamSocket.receive(descriptor, into: &part)
        }
        guard count > 0 else {
            table[index].isReadable = false
            if count != -Int(EAGAIN) { hostSendsNoMore(index, isGone: count < 0) }
            return .nothing
        }
        counts.bytesToGuest += UInt64(count)
        let length = UInt32(truncatingIfNeeded: count)
        let packet = packet(index, .data, length: length)
        table[index].credit.send(length)
        if let header {
            header.write(packet)
        } else {
            chain.write(packet)
            // SAFETY: bytes have no padding.
            unsafe chain.write(scratch.span.bytes.extracting(first: count))
        }
        return .filled(VsockPacket.size + count)
    }

    /// All that the program of the host sent has been read.
    private mutating func hostSendsNoMore(_ index: Int, isGone: Bool) {
        table[index].hostShutdown.insert(.send)
        // A program that is gone takes nothing either; what waits for it says so itself.
        if isGone || (table[index].isHungUp && table[index].backlog.isEmpty) {
            return hostTakesNoMore(index)
        }
        table[index].pending.insert(.shutdown)
        table.enqueue(index)
    }

    private mutating func tellShutdown(_ index: Int, _ chain: inout DescriptorChain) -> Outcome {
        let flags = table[index].hostShutdown
        table[index].pending.remove(.shutdown)
        guard flags != table[index].toldShutdown else { return .nothing }
        table[index].toldShutdown = flags
        write(index, .shutdown, flags: flags.rawValue, &chain)
        if flags == .both {
            // The guest answers by a reset when it has noticed.
            closeSocket(index)
            extendDeadline(index)
        }
        return .filled(VsockPacket.size)
    }

    private mutating func control(
        _ index: Int, _ operation: VsockOperation, _ pending: VsockStream.Pending,
        _ chain: inout DescriptorChain
    ) -> Outcome {
        table[index].pending.remove(pending)
        write(index, operation, &chain)
        return .filled(VsockPacket.size)
    }

    private mutating func write(
        _ index: Int, _ operation: VsockOperation, flags: UInt32 = 0, _ chain: inout DescriptorChain
    ) {
        chain.write(packet(index, operation, flags: flags))
    }

    /// A packet of a stream; each tells the guest how much was handed on.
    private mutating func packet(
        _ index: Int, _ operation: VsockOperation, length: UInt32 = 0, flags: UInt32 = 0
    ) -> VsockPacket {
        table[index].credit.tell()
        table[index].pending.remove(.creditUpdate)
        let ports = table[index].ports
        return VsockPacket(
            sourceCID: VsockPacket.hostCID, destinationCID: UInt64(configuration.guestCID),
            sourcePort: ports.host, destinationPort: ports.guest, length: length,
            operation: operation.rawValue, flags: flags,
            allocation: table[index].credit.allocation, forwarded: table[index].credit.forwarded)
    }
}

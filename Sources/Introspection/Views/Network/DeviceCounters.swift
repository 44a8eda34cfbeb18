/// What went through network devices. Where it is kept is the driver's choice, which the function that tells
/// it gives away.
struct DeviceCounters {
    /// What is known of one device.
    struct Counts {
        var received: DeviceRow.Counters?
        var sent: DeviceRow.Counters?
        var receivedDropped: UInt64?
        var sentDropped: UInt64?
    }

    private let kernel: Kernel
    private let types: TypeTable
    private let names: CodeSymbols
    private let operations: Field?
    private let tellFull: Field?
    private let tellOld: Field?
    private let virtio: VirtioCounters?

    init(_ kernel: Kernel, _ types: TypeTable) {
        self.kernel = kernel
        self.types = types
        names = CodeSymbols(kernel)
        operations = types.field("netdev_ops", of: "net_device")
        tellFull = types.field("ndo_get_stats64", of: "net_device_ops")
        tellOld = types.field("ndo_get_stats", of: "net_device_ops")
        virtio = VirtioCounters(kernel, types)
    }

    func read(_ device: VirtualAddress) -> Counts {
        var counts = Counts()
        do throws(ReadError) {
            counts.receivedDropped = try dropped("rx_dropped", device)
            counts.sentDropped = try dropped("tx_dropped", device)
            switch try teller(of: device) {
            case "": try addGeneral(device, to: &counts)
            case "loopback_get_stats64":
                counts.received = try perProcessor(device, "lstats", "pcpu_lstats", "bytes", "packets")
                counts.sent = counts.received
            case "dev_get_tstats64", "ip_tunnel_get_stats64", "br_get_stats64":
                counts.received = try perProcessor(
                    device, "tstats", "pcpu_sw_netstats", "rx_bytes", "rx_packets")
                counts.sent = try perProcessor(
                    device, "tstats", "pcpu_sw_netstats", "tx_bytes", "tx_packets")
            case "virtnet_stats":
                let queues = try virtio?.read(device)
                counts.received = queues?.received
                counts.sent = queues?.sent
            default: break
            }
        } catch {
            // What could not be read is none.
            return counts
        }
        return counts
    }

    /// The function that tells a device's counters; empty if there is none, so they are in the device.
    private func teller(of device: VirtualAddress) throws(ReadError) -> String {
        guard let operations, let tellFull, let tellOld else { return "?" }
        let table = try kernel.pointer(operations, at: device)
        guard !table.isNull else { return "" }
        for field in [tellFull, tellOld] {
            let function = try kernel.pointer(field, at: table)
            if !function.isNull { return names.name(of: function)?.symbol.name ?? "?" }
        }
        return ""
    }

    private func addGeneral(_ device: VirtualAddress, to counts: inout Counts) throws(ReadError) {
        func value(_ name: String) throws(ReadError) -> UInt64? {
            guard let field = types.field("stats.\(name)", of: "net_device") else { return nil }
            return UInt64(bitPattern: try kernel.value(field, at: device))
        }
        if let bytes = try value("rx_bytes"), let packets = try value("rx_packets") {
            counts.received = DeviceRow.Counters(bytes: bytes, packets: packets)
        }
        if let bytes = try value("tx_bytes"), let packets = try value("tx_packets") {
            counts.sent = DeviceRow.Counters(bytes: bytes, packets: packets)
        }
    }

    /// Packets thrown away: counted in the device's general counters by its driver, and by the kernel itself in
    /// the device or, from 5.18, for each processor.
    private func dropped(_ name: String, _ device: VirtualAddress) throws(ReadError) -> UInt64? {
        guard let general = types.field("stats.\(name)", of: "net_device") else { return nil }
        var sum = UInt64(bitPattern: try kernel.value(general, at: device))
        if let field = types.field(name, of: "net_device") {
            sum &+= UInt64(bitPattern: try kernel.value(field, at: device))
        }
        if let area = types.field("core_stats", of: "net_device"),
            let field = types.field(name, of: "net_device_core_stats")
        {
            sum &+= try sumOfProcessors(try kernel.pointer(area, at: device), field)
        }
        return sum
    }

    private func perProcessor(
        _ device: VirtualAddress, _ area: String, _ structure: String, _ bytes: String, _ packets: String
    ) throws(ReadError) -> DeviceRow.Counters? {
        guard let area = types.field(area, of: "net_device"), let bytes = types.field(bytes, of: structure),
            let packets = types.field(packets, of: structure)
        else { return nil }
        let start = try kernel.pointer(area, at: device)
        return DeviceRow.Counters(
            bytes: try sumOfProcessors(start, bytes), packets: try sumOfProcessors(start, packets))
    }

    private func sumOfProcessors(_ area: VirtualAddress, _ field: Field) throws(ReadError) -> UInt64 {
        // Allocated when first something is to be counted.
        guard !area.isNull, let processors = try? kernel.possibleProcessors() else { return 0 }
        var sum: UInt64 = 0
        for processor in processors {
            guard let place = try? kernel.perCPU(area, processor: processor) else { continue }
            sum &+= UInt64(bitPattern: try kernel.value(field, at: place))
        }
        return sum
    }
}

/// The counters that the virtio network driver keeps in its queues.
struct VirtioCounters {
    private let kernel: Kernel
    private let privateOffset: Int
    private let queues: Field
    private let receiveQueues: Field
    private let sendQueues: Field
    private let receive: (bytes: Field, packets: Field, stride: Int)
    private let send: (bytes: Field, packets: Field, stride: Int)

    /// Nil if this kernel does not describe its driver's types.
    init?(_ kernel: Kernel, _ general: TypeTable) {
        self.kernel = kernel
        let found: TypeTable?
        if general.structure(named: "virtnet_info") != nil {
            found = general
        } else {
            found = (try? kernel.types(ofModule: "virtio_net")) ?? nil
        }
        guard let types = found, let device = types.structure(named: "net_device"),
            let queues = types.field("max_queue_pairs", of: "virtnet_info"),
            let receiveQueues = types.field("rq", of: "virtnet_info"),
            let sendQueues = types.field("sq", of: "virtnet_info"),
            let receive = Self.queue("receive_queue", types), let send = Self.queue("send_queue", types)
        else { return nil }
        // Behind the device: aligned to NETDEV_ALIGN, or from 6.11 a member of its own.
        privateOffset = types.field("priv", of: "net_device")?.offset ?? (device.size + 31) / 32 * 32
        self.queues = queues
        self.receiveQueues = receiveQueues
        self.sendQueues = sendQueues
        self.receive = receive
        self.send = send
    }

    private static func queue(
        _ name: String, _ types: TypeTable
    ) -> (bytes: Field, packets: Field, stride: Int)? {
        guard let bytes = types.field("stats.bytes", of: name),
            let packets = types.field("stats.packets", of: name),
            let size = types.structure(named: name)?.size
        else { return nil }
        return (bytes, packets, size)
    }

    func read(
        _ device: VirtualAddress
    ) throws(ReadError) -> (received: DeviceRow.Counters, sent: DeviceRow.Counters) {
        let own = device + privateOffset
        // 16 bits, so it is bounded; 65,535 queues of some KiB are never read, as they are not mapped.
        let count = Int(UInt16(truncatingIfNeeded: try kernel.value(queues, at: own)))
        func sum(
            _ place: VirtualAddress, _ queue: (bytes: Field, packets: Field, stride: Int)
        ) throws(ReadError) -> DeviceRow.Counters {
            var sum = DeviceRow.Counters(bytes: 0, packets: 0)
            for index in 0..<count {
                let one = place + index * queue.stride
                sum.bytes &+= UInt64(bitPattern: try kernel.value(queue.bytes, at: one))
                sum.packets &+= UInt64(bitPattern: try kernel.value(queue.packets, at: one))
            }
            return sum
        }
        return (
            try sum(try kernel.pointer(receiveQueues, at: own), receive),
            try sum(try kernel.pointer(sendQueues, at: own), send)
        )
    }
}

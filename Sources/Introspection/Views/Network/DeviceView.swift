/// The network devices of the guest's first network namespace.
public struct DeviceView {
    private let kernel: Kernel
    private let head: VirtualAddress
    private let node: Field
    private let name: Field
    private let index: Field
    private let flags: Field
    private let state: Field?
    private let operation: Field?
    private let unit: Field
    private let hardware: Field
    private let hardwareLength: Field?
    private let addresses: DeviceAddresses
    private let counters: DeviceCounters

    private static let mostDevices = 65_536
    /// MAX_ADDR_LEN.
    private static let longestHardwareAddress = 32

    /// - Throws: `missing` if the kernel has no network.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        head =
            try kernel.address(of: "init_net") + types.required("dev_base_head", of: "net").offset
        node = try types.required("dev_list", of: "net_device")
        name = try types.required("name", of: "net_device")
        index = try types.required("ifindex", of: "net_device")
        flags = try types.required("flags", of: "net_device")
        state = types.field("state", of: "net_device")
        operation = types.field("operstate", of: "net_device")
        unit = try types.required("mtu", of: "net_device")
        hardware = try types.required("dev_addr", of: "net_device")
        hardwareLength = types.field("addr_len", of: "net_device")
        addresses = DeviceAddresses(kernel, types)
        counters = DeviceCounters(kernel, types)
    }

    /// Every device, in the order of its making.
    public func read() throws(IntrospectionError) -> [DeviceRow] {
        try reading { () throws(ReadError) in
            var rows: [DeviceRow] = []
            try kernel.forEach(inListAt: head, offset: node.offset, limit: Self.mostDevices) {
                device throws(ReadError) in
                rows.append(try row(device))
                return true
            }
            return rows
        }
    }

    private func row(_ device: VirtualAddress) throws(ReadError) -> DeviceRow {
        let counts = counters.read(device)
        return DeviceRow(
            index: Int(try kernel.value(index, at: device)), name: try kernel.text(name, at: device),
            flags: try flags(of: device),
            maximumUnit: UInt32(truncatingIfNeeded: try kernel.value(unit, at: device)),
            hardwareAddress: (try? hardwareAddress(of: device)) ?? [], addresses: addresses.read(device),
            received: counts.received, sent: counts.sent, receivedDropped: counts.receivedDropped,
            sentDropped: counts.sentDropped)
    }

    /// IFF_… (include/uapi/linux/if.h). RUNNING and LOWER_UP are not kept but made of the state, as
    /// `dev_get_flags` does.
    private func flags(of device: VirtualAddress) throws(ReadError) -> [String] {
        let bits = UInt64(bitPattern: try kernel.value(flags, at: device))
        var names = ["DOWN"]
        if bits & 1 != 0 { names = ["UP"] }
        if let state = state.flatMap({ try? kernel.value($0, at: device) }), state & 1 != 0 {
            // __LINK_STATE_START is bit 0, __LINK_STATE_NOCARRIER bit 2; IF_OPER_UNKNOWN is 0, IF_OPER_UP 6.
            let operation = operation.flatMap { try? kernel.value($0, at: device) } ?? 0
            if operation == 0 || operation == 6 { names.append("RUNNING") }
            if state & 4 == 0 { names.append("LOWER_UP") }
        }
        for (bit, name) in [
            (1, "BROADCAST"), (3, "LOOPBACK"), (4, "POINTOPOINT"), (7, "NOARP"), (8, "PROMISC"),
            (9, "ALLMULTI"), (10, "MASTER"), (11, "SLAVE"), (12, "MULTICAST"),
        ] where bits >> UInt64(bit) & 1 == 1 {
            names.append(name)
        }
        return names
    }

    private func hardwareAddress(of device: VirtualAddress) throws(ReadError) -> [UInt8] {
        let length =
            try hardwareLength.map { field throws(ReadError) in try kernel.value(field, at: device) } ?? 6
        guard length > 0 else { return [] }
        return try kernel.bytes(
            at: try kernel.pointer(hardware, at: device), count: min(Int(length), Self.longestHardwareAddress)
        )
    }
}

/// The internet addresses of network devices.
struct DeviceAddresses {
    private let kernel: Kernel
    private let version4: (device: Field, first: Field, next: Field, address: Field, prefix: Field)?
    private let version6: (device: Field, list: Field, node: Field, address: Field, prefix: Field)?

    private static let mostAddresses = 65_536

    init(_ kernel: Kernel, _ types: TypeTable) {
        self.kernel = kernel
        if let device = types.field("ip_ptr", of: "net_device"),
            let first = types.field("ifa_list", of: "in_device"),
            let next = types.field("ifa_next", of: "in_ifaddr"),
            let address = types.field("ifa_local", of: "in_ifaddr"),
            let prefix = types.field("ifa_prefixlen", of: "in_ifaddr")
        {
            version4 = (device, first, next, address, prefix)
        } else {
            version4 = nil
        }
        if let device = types.field("ip6_ptr", of: "net_device"),
            let list = types.field("addr_list", of: "inet6_dev"),
            let node = types.field("if_list", of: "inet6_ifaddr"),
            let address = types.field("addr", of: "inet6_ifaddr"),
            let prefix = types.field("prefix_len", of: "inet6_ifaddr")
        {
            version6 = (device, list, node, address, prefix)
        } else {
            version6 = nil
        }
    }

    /// A device's addresses, as many as can be read.
    func read(_ device: VirtualAddress) -> [DeviceRow.Address] {
        var found: [DeviceRow.Address] = []
        do throws(ReadError) {
            try addVersion4(device, to: &found)
            try addVersion6(device, to: &found)
        } catch {
            // What was found so far is true all the same.
            return found
        }
        return found
    }

    private func addVersion4(_ device: VirtualAddress, to found: inout [DeviceRow.Address]) throws(ReadError)
    {
        guard let fields = version4 else { return }
        let part = try kernel.pointer(fields.device, at: device)
        guard !part.isNull else { return }
        var entry = try kernel.pointer(fields.first, at: part)
        while !entry.isNull, found.count < Self.mostAddresses {
            found.append(
                DeviceRow.Address(
                    address: InternetAddress(try kernel.bytes(at: entry + fields.address.offset, count: 4)),
                    prefix: Int(try kernel.value(fields.prefix, at: entry))))
            entry = try kernel.pointer(fields.next, at: entry)
        }
    }

    private func addVersion6(_ device: VirtualAddress, to found: inout [DeviceRow.Address]) throws(ReadError)
    {
        guard let fields = version6 else { return }
        let part = try kernel.pointer(fields.device, at: device)
        guard !part.isNull else { return }
        try kernel.forEach(
            inListAt: part + fields.list.offset, offset: fields.node.offset, limit: Self.mostAddresses
        ) { entry throws(ReadError) in
            found.append(
                DeviceRow.Address(
                    address: InternetAddress(try kernel.bytes(at: entry + fields.address.offset, count: 16)),
                    prefix: Int(try kernel.value(fields.prefix, at: entry))))
            return true
        }
    }
}

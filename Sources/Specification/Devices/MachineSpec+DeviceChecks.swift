internal import JSONText

extension MachineSpec {
    /// Checks each virtio device, and what they must have apart or together.
    func checkDevices() throws(SpecError) {
        for (index, disk) in disks.enumerated() { try Self.check(disk, "disks[\(index)]") }
        for (index, net) in nets.enumerated() { try Self.check(net, "nets[\(index)]") }
        if let vsock { try Self.check(vsock, "vsock") }
        if let balloon { try Self.check(balloon, "balloon") }
        if let rng { try Self.check(rng, "rng") }
        guard Self.ioThreadsRange.contains(ioThreads) else {
            throw .invalid(
                field: "ioThreads", value: JSONValue(ioThreads),
                allowed: Self.wholeNumber(in: Self.ioThreadsRange))
        }
        try checkDeviceCount()
        try checkDistinct()
        try checkConsoles()
        if let balloon, balloon.size > memory {
            throw .invalid(
                field: "balloon.size", value: .string("\(balloon.size)"),
                allowed: "at most the guest's memory, \(memory)")
        }
    }

    private static func check(_ device: some KeyedSpec, _ name: String) throws(SpecError) {
        do {
            try device.validate()
        } catch {
            throw error.naming { "\(name).\($0)" }
        }
    }

    /// Each device needs an interrupt of its own.
    private func checkDeviceCount() throws(SpecError) {
        let others = (vsock == nil ? 0 : 1) + (balloon == nil ? 0 : 1) + (rng == nil ? 0 : 1)
        let count = disks.count + nets.count + others + (virtioConsole == nil ? 0 : 1)
        guard count <= Self.virtioDeviceLimit else {
            throw .tooManyDevices(
                field: disks.count >= nets.count ? "disks" : "nets", count: count,
                limit: Self.virtioDeviceLimit)
        }
    }

    /// No two devices have one id, and no two cards one tap or one address.
    private func checkDistinct() throws(SpecError) {
        // The devices are at most 14, so that a table would cost more than it saves.
        var ids = disks.enumerated().map { (value: $1.id, field: "disks[\($0)].id") }
        ids += nets.enumerated().map { ($1.id, "nets[\($0)].id") }
        let kinds = [
            ("vsock", vsock != nil), ("balloon", balloon != nil), ("rng", rng != nil),
            ("virtioConsole", virtioConsole != nil),
        ]
        // These are called by their kind: a disk of that name is the one to be called otherwise.
        ids = kinds.filter(\.1).map { ($0.0 == "virtioConsole" ? "console" : $0.0, $0.0) } + ids
        try Self.checkDistinct(ids)
        try Self.checkDistinct(nets.enumerated().map { ($1.tap, "nets[\($0)].tap") })
        try Self.checkDistinct(
            nets.indices.map { (macAddress(ofNet: $0).description, "nets[\($0)].mac") })
    }

    private static func checkDistinct(_ all: [(value: String, field: String)]) throws(SpecError) {
        for (index, one) in all.enumerated() {
            if let other = all[..<index].first(where: { $0.value == one.value }) {
                throw .duplicate(field: one.field, value: .string(one.value), other: other.field)
            }
        }
    }

    /// The two consoles cannot both have standard input and output, nor one file, nor the sockets.
    private func checkConsoles() throws(SpecError) {
        guard let virtioConsole, virtioConsole == console else { return }
        switch console {
        case .stdio, .file, .socket:
            throw .duplicate(
                field: "virtioConsole", value: .string(virtioConsole.description), other: "console")
        case .none, .pty:
            return
        }
    }
}

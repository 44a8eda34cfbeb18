/// One virtio device of a machine, as `MachineSpec.virtioDevices` lists them.
public enum VirtioDeviceSpec: Equatable, Sendable {
    /// A disk.
    case disk(DiskSpec)
    /// A network card, and the address it has, whether it was given one or not.
    case net(NetSpec, mac: MACAddress)
    /// The socket device.
    case vsock(VsockSpec)
    /// The balloon.
    case balloon(BalloonSpec)
    /// The source of random numbers.
    case rng(EntropySpec)
    /// The console, `hvc0` in Linux, and where it goes.
    case console(ConsoleSpec)

    /// What the device is called, unique in its machine: the id of a disk or card, else the device's kind.
    public var id: String {
        switch self {
        case .disk(let disk): disk.id
        case .net(let net, _): net.id
        case .vsock: "vsock"
        case .balloon: "balloon"
        case .rng: "rng"
        case .console: "console"
        }
    }
}

extension MachineSpec {
    /// The virtio devices in the order in which the guest finds them: disks as they were given (so that
    /// Linux calls the first `vda`), network cards as they were given (the first is `eth0`), socket,
    /// balloon, random numbers, console.
    public var virtioDevices: [VirtioDeviceSpec] {
        var devices = disks.map { VirtioDeviceSpec.disk($0) }
        devices += nets.indices.map { .net(nets[$0], mac: macAddress(ofNet: $0)) }
        if let vsock { devices.append(.vsock(vsock)) }
        if let balloon { devices.append(.balloon(balloon)) }
        if let rng { devices.append(.rng(rng)) }
        if let virtioConsole { devices.append(.console(virtioConsole)) }
        return devices
    }

    /// How many virtio devices a machine can have: each has an interrupt of its own.
    public static let virtioDeviceLimit = 14

    /// The address of a network card: its own, or the one derived from the machine's name.
    ///
    /// - Parameter index: the card's place in `nets`, which must exist.
    public func macAddress(ofNet index: Int) -> MACAddress {
        nets[index].mac ?? .derived(machine: name, index: index)
    }

    /// What the id of a disk or network card may be, for messages.
    public static let deviceIDForm = DeviceCheck.idForm
}

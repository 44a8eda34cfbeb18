internal import JSONText

/// A device a workload needs besides the serial port, and how each contestant is told.
enum WorkloadDevice {
    /// A disk. Direct: past the host's page cache.
    case disk(path: String, isDirect: Bool)
    /// A network card on a tap that is there.
    case network(tap: String)
    /// A balloon. QEMU is asked for its size at that socket, Roost by `roost balloon`.
    case balloon(socket: String)

    /// For `roost run`.
    var roostWords: [String] {
        switch self {
        case .disk(let path, let isDirect):
            ["--disk", "path=\(Self.escaped(path)),direct=\(isDirect ? "on" : "off")"]
        case .network(let tap): ["--net", "tap=\(tap)"]
        case .balloon: ["--balloon"]
        }
    }

    /// Debian's QEMU at its best: a disk on a thread of its own by io_uring; a network card without vhost,
    /// which is a part of the kernel.
    var qemuWords: [String] {
        switch self {
        case .disk(let path, let isDirect):
            [
                "-object", "iothread,id=io0", "-drive",
                "if=none,id=disk0,format=raw,aio=io_uring,cache=\(isDirect ? "none" : "writeback"),"
                    + "file=\(Self.escaped(path))",
                "-device", "virtio-blk-device,drive=disk0,iothread=io0",
            ]
        case .network(let tap):
            [
                "-netdev", "tap,id=net0,ifname=\(tap),script=no,downscript=no,vhost=off",
                "-device", "virtio-net-device,netdev=net0",
            ]
        case .balloon(let socket):
            [
                "-device", "virtio-balloon-device,id=balloon0", "-qmp",
                "unix:\(Self.escaped(socket)),server=on,wait=off",
            ]
        }
    }

    /// For `roost-vmm`.
    static func specification(of devices: [WorkloadDevice]) -> [JSONMember] {
        var disks: [JSONValue] = []
        var cards: [JSONValue] = []
        var members: [JSONMember] = []
        for device in devices {
            switch device {
            case .disk(let path, let isDirect):
                disks.append(
                    .object([JSONMember("path", .string(path)), JSONMember("direct", .boolean(isDirect))]))
            case .network(let tap): cards.append(.object([JSONMember("tap", .string(tap))]))
            case .balloon: members.append(JSONMember("balloon", .object([])))
            }
        }
        if !disks.isEmpty { members.append(JSONMember("disks", .array(disks))) }
        if !cards.isEmpty { members.append(JSONMember("nets", .array(cards))) }
        return members
    }

    /// Both write a comma within a value twice.
    private static func escaped(_ path: String) -> String {
        path.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
}

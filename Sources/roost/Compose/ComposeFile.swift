internal import JSONText
internal import Resources
internal import Specification

/// A set of pools and machines that `roost up` makes: docs/resources.md.
struct ComposeFile {
    /// A machine as the file describes it.
    struct Machine {
        var spec: MachineSpec
        let position: TextPosition?
    }

    let file: DescriptionFile
    /// Parents before those in them.
    let pools: [DescribedPool]
    /// In the order of the file.
    let machines: [Machine]

    /// Reads and checks a file.
    ///
    /// - Parameter runDirectory: where the machines are to be listed.
    init(_ path: String, runDirectory: String?) throws(CommandFailure) {
        file = try DescriptionFile(path, keys: ["version", "pools", "machines"])
        pools = try file.pools()
        let base = Self.directory(of: path)
        var machines: [Machine] = []
        for (member, content) in try file.objects("machines") {
            guard MachineSpec.isName(member.key) else {
                throw file.failure(
                    member.position,
                    "machines: \(DescriptionFile.shown(.string(member.key))) is no machine's name; "
                        + "allowed: \(MachineSpec.nameForm)")
            }
            let place = "machines.\(member.key)"
            for reserved in ["version", "name", "runDirectory"] {
                guard let wrong = content.first(where: { $0.key == reserved }) else { continue }
                let reason =
                    reserved == "name"
                    ? "the machine's name is its key" : "it stands for the whole file, not for a machine"
                throw file.failure(wrong.position, "\(place).\(reserved): \(reason)")
            }
            var spec: MachineSpec
            do {
                spec = try MachineSpec(
                    json: .object(
                        [
                            JSONMember("version", JSONValue(MachineSpec.formatVersion)),
                            JSONMember("name", .string(member.key), at: member.position),
                        ] + content))
            } catch {
                throw file.failure(
                    error.position ?? member.position,
                    error.naming { $0 == "name" ? "machines" : "\(place).\($0)" }.reason)
            }
            spec.runDirectory = runDirectory
            // In the background nobody sits at stdio, as with 'roost run -d'.
            if spec.console == .stdio { spec.console = .socket }
            spec.resolvePaths(in: base)
            machines.append(Machine(spec: spec, position: member.position))
        }
        self.machines = machines
    }

    /// Where the paths in a file begin: the directory that it is in.
    private static func directory(of path: String) -> String {
        guard path != "-", let slash = path.lastIndex(of: "/") else { return HostPath.current }
        let directory = String(path[..<slash])
        return directory.isEmpty ? "/" : HostPath.absolute(directory)
    }

    /// An error in what a machine is to be.
    func failure(_ machine: Machine, _ reason: String) -> CommandFailure {
        file.failure(machine.position, "machines.\(machine.spec.name): \(reason)")
    }
}

extension MachineSpec {
    /// Makes every relative path one from a directory, so that it means the same wherever the machine starts.
    mutating func resolvePaths(in directory: String) {
        kernel = HostPath.absolute(kernel, in: directory)
        initrd = initrd.map { HostPath.absolute($0, in: directory) }
        if case .file(let path) = console { console = .file(path: HostPath.absolute(path, in: directory)) }
        if case .file(let path) = virtioConsole {
            virtioConsole = .file(path: HostPath.absolute(path, in: directory))
        }
        for index in disks.indices { disks[index].path = HostPath.absolute(disks[index].path, in: directory) }
        if let path = vsock?.path { vsock?.path = HostPath.absolute(path, in: directory) }
        if let path = rng?.source { rng?.source = HostPath.absolute(path, in: directory) }
    }

    /// The first field in which two machines differ, but for what can be changed while one runs.
    func firstDifference(from other: MachineSpec) -> String? {
        let ignored = ["cpuShares", "cpuReservation", "cpuLimit", "pool", "managed", "runDirectory"]
        let (mine, others) = (json, other.json)
        return Self.fieldNames.first { !ignored.contains($0) && mine[$0] != others[$0] }
    }
}

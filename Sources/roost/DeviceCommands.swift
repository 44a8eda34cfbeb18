internal import ArgumentParser
internal import ControlProtocol
internal import JSONText
internal import Specification

/// `roost balloon`.
struct BalloonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balloon",
        abstract: "Shows or sets how much memory a guest gives back.",
        discussion: """
            SIZE is what the balloon shall take from the guest; 0 gives all back. The guest follows in \
            its own time: without SIZE it is shown how far it is, with what the guest tells of its memory.

            EXAMPLES
              roost balloon web1
              roost balloon web1 512M
              roost balloon web1 0
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @Argument(
        help: .init("What the balloon shall hold, such as 512M.", valueName: "SIZE"),
        transform: { try Wording.parse($0, ByteSize.form) { ByteSize($0) } })
    var size: ByteSize?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let client = try MachineClient(try place.directory.running(machine))
        let answer = try client.ask(.balloon(targetBytes: size?.bytes))
        guard !json else {
            try StandardOutput.write(JSONValue(versioned: answer).text(.pretty))
            return
        }
        let status = try BalloonStatus(json: answer)
        var lines = [
            "target: \(ByteSize(bytes: status.targetBytes))",
            "actual: \(ByteSize(bytes: status.actualBytes))",
        ]
        lines += status.statistics.map { "\($0.key): \($0.value.text())" }
        try StandardOutput.write(lines.joined(separator: "\n"))
    }
}

/// `roost limits`.
struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Shows a machine's devices, or limits how fast one may be.",
        usage: "roost limits VM [DEVICE] [--iops N] [--bps SIZE] [OPTIONS]",
        discussion: """
            A limit holds from the next request on; 0 takes it away; what is not given stays. A burst is \
            what may pass at once after a rest.

            EXAMPLES
              roost limits web1
              roost limits web1 disk0 --iops 500 --bps 20M
              roost limits web1 disk0 --bps 20M --burst 100M
              roost limits web1 disk0 --iops 0 --bps 0
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @Argument(help: .init("The device's id.", valueName: "DEVICE"))
    var device: String?

    @Option(help: .init("Operations a second.", valueName: "N"))
    var iops: UInt64?

    @Option(
        help: .init("Bytes a second, such as 20M.", valueName: "SIZE"),
        transform: { try Wording.parse($0, ByteSize.form) { ByteSize($0) } })
    var bps: ByteSize?

    @Option(
        help: .init("Bytes at once after a rest.", valueName: "SIZE"),
        transform: { try Wording.parse($0, ByteSize.form) { ByteSize($0) } })
    var burst: ByteSize?

    @Option(help: .init("Operations at once after a rest.", valueName: "N"))
    var burstOps: UInt64?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let change = LimitChange(
            bytesPerSecond: bps?.bytes, operationsPerSecond: iops, burstBytes: burst?.bytes,
            burstOperations: burstOps)
        if device == nil, change != LimitChange() {
            throw CommandFailure(.usage, "limits are a DEVICE's (see 'roost limits --help')")
        }
        let client = try MachineClient(try place.directory.running(machine))
        let devices = try devices(client, change)
        guard !json else {
            let report: JSONValue = ["version": 1, "devices": .array(devices.map(\.json))]
            try StandardOutput.write(report.text(.pretty))
            return
        }
        let lines = devices.map { device in
            ([device.id, device.kind] + device.fields.map { "\($0.key)=\($0.value.text())" })
                .joined(separator: " ")
        }
        try StandardOutput.write(lines.joined(separator: "\n"))
    }

    /// The device as it is after the change, or those that are asked about.
    private func devices(_ client: MachineClient, _ change: LimitChange) throws -> [DeviceStatus] {
        if let device, change != LimitChange() {
            return [try DeviceStatus(json: try client.ask(.setLimits(device: device, change)))]
        }
        let all = try MachineStatus(json: try client.ask(.status)).devices
        guard let device else { return all }
        guard let found = all.first(where: { $0.id == device }) else {
            let known = all.map(\.id).joined(separator: ", ")
            throw CommandFailure(.noInput, "\(machine): there is no device '\(device)'; there are: \(known)")
        }
        return [found]
    }
}

extension JSONValue {
    /// A machine's answer as a command's report.
    init(versioned answer: JSONValue) {
        guard case .object(let members) = answer else {
            self = answer
            return
        }
        self = .object([JSONMember("version", 1)] + members)
    }
}

public import JSONText

/// What a machine is doing.
public enum MachineState: String, Equatable, Sendable, CaseIterable {
    /// Its virtual CPUs run, or wait for interrupts.
    case running
    /// They are stopped, until `resume` or for as long as a connection holds them.
    case paused
    /// The guest was asked to power off and has time left for it.
    case stopping
    /// The guest is gone.
    case ended
}

/// The result of `pause`, `resume`, `hold`, `release`, `stop` and `kill`.
public struct StateChange: Equatable, Sendable {
    /// The state now.
    public let state: MachineState
    /// Whether the request made a difference: that a pause was asked for (`pause`) or taken back (`resume`), and for
    /// the others, that the state was another before.
    public let isChanged: Bool
    /// How many connections hold the machine still.
    public let holders: Int

    /// A state, whether the request made a difference, and who holds the machine.
    public init(_ state: MachineState, isChanged: Bool, holders: Int = 0) {
        self.state = state
        self.isChanged = isChanged
        self.holders = holders
    }

    /// Reads a result.
    public init(json: JSONValue) throws(ControlError) {
        let reader = try MemberReader(result: json)
        state = try MachineState(reader)
        isChanged = try reader.required("changed", try reader.boolean("changed"))
        holders = try reader.holders
    }

    /// The result.
    public var json: JSONValue {
        [
            "state": .string(state.rawValue), "changed": .boolean(isChanged), "holders": JSONValue(holders),
        ]
    }
}

extension MemberReader {
    /// A machine that does not say it has none: it knows no holding.
    fileprivate var holders: Int {
        get throws(ControlError) { try integer("holders", in: 0...Int(Int32.max)) ?? 0 }
    }
}

extension MachineState {
    init(_ reader: MemberReader) throws(ControlError) {
        let text = try reader.required("state", try reader.string("state"))
        guard let state = MachineState(rawValue: text) else {
            throw ControlError(.internalError, "there is no state \(JSONValue.string(text).text())")
        }
        self = state
    }
}

/// How a machine ended: the result of `wait`, and what a detached machine leaves in its directory.
public struct EndReport: Equatable, Sendable {
    /// In words: `power off`, `crash`.
    public let reason: String
    /// The status of the worker's process.
    public let exitCode: Int

    /// An end in words with its status.
    public init(reason: String, exitCode: Int) {
        self.reason = reason
        self.exitCode = exitCode
    }

    /// Reads a result.
    public init(json: JSONValue) throws(ControlError) {
        let reader = try MemberReader(result: json)
        reason = try reader.required("reason", try reader.string("reason"))
        exitCode = try reader.required("exitCode", try reader.integer("exitCode", in: 0...255))
    }

    /// The result.
    public var json: JSONValue { ["reason": .string(reason), "exitCode": JSONValue(exitCode)] }
}

/// The result of `status`.
public struct MachineStatus: Equatable, Sendable {
    /// The machine's name.
    public var name: String
    /// The worker's process.
    public var process: Int
    /// What it is doing.
    public var state: MachineState
    /// Milliseconds since its virtual CPUs were started.
    public var uptimeMilliseconds: UInt64
    /// Virtual CPUs.
    public var cpus: Int
    /// The guest's memory in bytes.
    public var memoryBytes: UInt64
    /// How many connections hold it still.
    public var holders: Int
    /// The kernel's path, as it was given.
    public var kernel: String
    /// Why it ended, in words, once it has.
    public var end: String?
    /// The devices that can be told apart from outside.
    public var devices: [DeviceStatus]

    /// A status by its members.
    public init(
        name: String, process: Int, state: MachineState, uptimeMilliseconds: UInt64, cpus: Int,
        memoryBytes: UInt64, kernel: String, holders: Int = 0, end: String? = nil,
        devices: [DeviceStatus] = []
    ) {
        self.name = name
        self.process = process
        self.state = state
        self.uptimeMilliseconds = uptimeMilliseconds
        self.cpus = cpus
        self.memoryBytes = memoryBytes
        self.kernel = kernel
        self.holders = holders
        self.end = end
        self.devices = devices
    }

    /// Reads a result.
    public init(json: JSONValue) throws(ControlError) {
        let reader = try MemberReader(result: json)
        name = try reader.required("name", try reader.string("name"))
        process = try reader.required("pid", try reader.integer("pid", in: 1...Int(Int32.max)))
        state = try MachineState(reader)
        uptimeMilliseconds = try reader.required(
            "uptimeMilliseconds", try reader.unsigned("uptimeMilliseconds"))
        cpus = try reader.required("cpus", try reader.integer("cpus", in: 0...Int(Int32.max)))
        memoryBytes = try reader.required("memoryBytes", try reader.unsigned("memoryBytes"))
        kernel = try reader.required("kernel", try reader.string("kernel"))
        holders = try reader.holders
        end = try reader.string("end")
        guard case .array(let items) = reader.value("devices") else { throw reader.missing("devices") }
        var devices: [DeviceStatus] = []
        for item in items { devices.append(try DeviceStatus(json: item)) }
        self.devices = devices
    }

    /// The result.
    public var json: JSONValue {
        [
            "name": .string(name), "pid": JSONValue(process), "state": .string(state.rawValue),
            "uptimeMilliseconds": JSONValue(uptimeMilliseconds), "cpus": JSONValue(cpus),
            "memoryBytes": JSONValue(memoryBytes), "kernel": .string(kernel),
            "holders": JSONValue(holders), "end": end.map(JSONValue.string) ?? .null,
            "devices": .array(devices.map(\.json)),
        ]
    }
}

/// One device in a status.
public struct DeviceStatus: Equatable, Sendable {
    /// Its name, unique in the machine.
    public let id: String
    /// What it is: `serial`, `block`.
    public let kind: String
    /// What else there is to say, a kind's own.
    public let fields: [JSONMember]

    /// A device by its members.
    public init(id: String, kind: String, fields: [JSONMember] = []) {
        self.id = id
        self.kind = kind
        self.fields = fields
    }

    /// Reads a result.
    public init(json: JSONValue) throws(ControlError) {
        let reader = try MemberReader(result: json)
        id = try reader.required("id", try reader.string("id"))
        kind = try reader.required("kind", try reader.string("kind"))
        guard case .object(let members) = json else { throw reader.missing("id") }
        fields = members.filter { !["id", "kind"].contains($0.key) }
    }

    /// The result.
    public var json: JSONValue {
        .object([JSONMember("id", .string(id)), JSONMember("kind", .string(kind))] + fields)
    }
}

/// The result of `balloon`.
public struct BalloonStatus: Equatable, Sendable {
    /// Bytes the balloon shall take from the guest.
    public let targetBytes: UInt64
    /// Bytes it holds now.
    public let actualBytes: UInt64
    /// What the guest tells about its memory, names and bytes or counts; empty if it tells nothing.
    public let statistics: [JSONMember]

    /// A status by its members.
    public init(targetBytes: UInt64, actualBytes: UInt64, statistics: [JSONMember] = []) {
        self.targetBytes = targetBytes
        self.actualBytes = actualBytes
        self.statistics = statistics
    }

    /// Reads a result.
    public init(json: JSONValue) throws(ControlError) {
        let reader = try MemberReader(result: json)
        targetBytes = try reader.required("targetBytes", try reader.unsigned("targetBytes"))
        actualBytes = try reader.required("actualBytes", try reader.unsigned("actualBytes"))
        guard case .object(let members) = reader.value("statistics") else {
            throw reader.missing("statistics")
        }
        statistics = members
    }

    /// The result.
    public var json: JSONValue {
        [
            "targetBytes": JSONValue(targetBytes), "actualBytes": JSONValue(actualBytes),
            "statistics": .object(statistics),
        ]
    }
}

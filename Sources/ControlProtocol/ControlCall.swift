public import JSONText

/// What can be asked of a running machine: the methods of docs/control-socket.md with their parameters.
public enum ControlCall: Equatable, Sendable {
    /// `version`: which Roost runs the machine.
    case version
    /// `status`: the machine as it is now.
    case status
    /// `pause`: all virtual CPUs stop until `resume`, whoever asked and whatever becomes of them.
    case pause
    /// `resume`: takes `pause` back; they go on unless a connection holds them.
    case resume
    /// `hold`: they stop for as long as this connection lives, or until its `release`.
    case hold
    /// `release`: takes this connection's `hold` back; they go on unless something else keeps them.
    case release
    /// `stop`: the power button, and after the grace time the end. nil is the specification's time.
    case stop(graceSeconds: Int?)
    /// `kill`: the end, at once.
    case kill
    /// `wait`: answered when the machine has ended.
    case wait
    /// `balloon`: what the balloon holds, and with a target, how much it shall hold from now on.
    case balloon(targetBytes: UInt64?)
    /// `setLimits`: how fast a device may be from now on.
    case setLimits(device: String, LimitChange)
    /// `registers`: those of all virtual CPUs.
    case registers

    /// The most grace a request may give: an hour, as in a specification.
    public static let graceRange = 0...3600

    /// All methods' names.
    public static let methods = [
        "version", "status", "pause", "resume", "hold", "release", "stop", "kill", "wait", "balloon",
        "setLimits", "registers",
    ]

    /// The method's name.
    public var method: String {
        switch self {
        case .version: "version"
        case .status: "status"
        case .pause: "pause"
        case .resume: "resume"
        case .hold: "hold"
        case .release: "release"
        case .stop: "stop"
        case .kill: "kill"
        case .wait: "wait"
        case .balloon: "balloon"
        case .setLimits: "setLimits"
        case .registers: "registers"
        }
    }

    /// The parameters; nil for none.
    public var parameters: JSONValue? {
        switch self {
        case .stop(let grace?): ["graceSeconds": JSONValue(grace)]
        case .balloon(let target?): ["targetBytes": JSONValue(target)]
        case .setLimits(let device, let change):
            .object([JSONMember("device", .string(device))] + change.members)
        default: nil
        }
    }

    /// A method by its name with its parameters as they came; nil stands for none.
    public init(method: String, parameters: JSONValue?) throws(ControlError) {
        guard Self.methods.contains(method) else {
            throw ControlError(.methodNotFound, "there is no method \(JSONValue.string(method).text())")
        }
        let reader = try MemberReader(parameters: parameters)
        switch method {
        case "stop":
            try reader.refuseOthers(than: ["graceSeconds"])
            self = .stop(graceSeconds: try reader.integer("graceSeconds", in: Self.graceRange))
        case "balloon":
            try reader.refuseOthers(than: ["targetBytes"])
            self = .balloon(targetBytes: try reader.unsigned("targetBytes"))
        case "setLimits":
            try reader.refuseOthers(than: ["device"] + LimitChange.names)
            guard let device = try reader.string("device") else { throw reader.missing("device") }
            let change = try LimitChange(reader)
            guard !change.members.isEmpty else {
                throw ControlError(
                    .invalidParams, "at least one of \(LimitChange.names.joined(separator: ", ")) is needed")
            }
            self = .setLimits(device: device, change)
        default:
            try reader.refuseOthers(than: [])
            self = Self.plain(method)
        }
    }

    /// A method without parameters, which is known to be one.
    private static func plain(_ method: String) -> ControlCall {
        switch method {
        case "version": .version
        case "pause": .pause
        case "resume": .resume
        case "hold": .hold
        case "release": .release
        case "kill": .kill
        case "wait": .wait
        case "registers": .registers
        default: .status
        }
    }
}

/// New limits of a device. What is nil stays; 0 takes a limit away.
public struct LimitChange: Equatable, Sendable {
    /// Bytes a second.
    public var bytesPerSecond: UInt64?
    /// Operations (requests, packets) a second.
    public var operationsPerSecond: UInt64?
    /// Bytes that may pass at once after a rest.
    public var burstBytes: UInt64?
    /// Operations that may pass at once after a rest.
    public var burstOperations: UInt64?

    /// A change of nothing, or of what is given.
    public init(
        bytesPerSecond: UInt64? = nil, operationsPerSecond: UInt64? = nil, burstBytes: UInt64? = nil,
        burstOperations: UInt64? = nil
    ) {
        self.bytesPerSecond = bytesPerSecond
        self.operationsPerSecond = operationsPerSecond
        self.burstBytes = burstBytes
        self.burstOperations = burstOperations
    }

    init(_ reader: MemberReader) throws(ControlError) {
        bytesPerSecond = try reader.unsigned("bytesPerSecond")
        operationsPerSecond = try reader.unsigned("operationsPerSecond")
        burstBytes = try reader.unsigned("burstBytes")
        burstOperations = try reader.unsigned("burstOperations")
    }

    static let names = ["bytesPerSecond", "operationsPerSecond", "burstBytes", "burstOperations"]

    var members: [JSONMember] {
        let values = [bytesPerSecond, operationsPerSecond, burstBytes, burstOperations]
        return zip(Self.names, values).compactMap { name, value in
            value.map { JSONMember(name, JSONValue($0)) }
        }
    }
}

public import JSONText
public import Resources

/// What a machine may have, has and wants: an answer about a machine.
@dynamicMemberLookup
public struct MachineReport: Equatable, Sendable {
    /// Its name.
    public var name: VMName
    /// Its process, its virtual CPUs, its pool and its settings, as they are now.
    public var registration: MachineRegistration
    /// What it may have now.
    public var entitlement: CPUAmount
    /// What it could have if every machine wanted all it can use: its right when it wakes.
    public var worstCase: CPUAmount
    /// What it would use; nil before anything is known.
    public var demand: CPUAmount?
    /// What it used lately.
    public var used: CPUAmount?
    /// How much it wanted to run while others did (vSphere's ready time).
    public var ready: CPUAmount?
    /// How much it was kept from running by its own limit.
    public var limited: CPUAmount?

    /// A report.
    public init(
        name: VMName, registration: MachineRegistration, entitlement: CPUAmount, worstCase: CPUAmount,
        demand: CPUAmount? = nil, used: CPUAmount? = nil, ready: CPUAmount? = nil, limited: CPUAmount? = nil
    ) {
        self.name = name
        self.registration = registration
        self.entitlement = entitlement
        self.worstCase = worstCase
        self.demand = demand
        self.used = used
        self.ready = ready
        self.limited = limited
    }

    /// A part of the registration.
    public subscript<Value>(dynamicMember part: KeyPath<MachineRegistration, Value>) -> Value {
        registration[keyPath: part]
    }

    /// Reads an answer.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        self.init(
            name: try body.required("name", try body.machine("name")),
            registration: try MachineRegistration(body),
            entitlement: try body.required("entitlement", try body.amount("entitlement")),
            worstCase: try body.required("worstCase", try body.amount("worstCase")),
            demand: try body.nullableAmount("demand"), used: try body.nullableAmount("used"),
            ready: try body.nullableAmount("ready"), limited: try body.nullableAmount("limited"))
    }

    /// The answer.
    public var json: JSONValue {
        .object(
            [JSONMember("name", .string(name.description))] + registration.members + [
                JSONMember("entitlement", entitlement.json), JSONMember("worstCase", worstCase.json),
                JSONMember("demand", demand?.json ?? .null), JSONMember("used", used?.json ?? .null),
                JSONMember("ready", ready?.json ?? .null), JSONMember("limited", limited?.json ?? .null),
            ])
    }
}

/// A pool and what it holds: an answer about a pool.
public struct PoolReport: Equatable, Sendable {
    /// Where it is.
    public var path: PoolPath
    /// Its settings.
    public var settings: PoolSettings
    /// Machines directly in it.
    public var machines: Int
    /// What its machines and pools may have now, in all.
    public var entitlement: CPUAmount
    /// What may still be reserved in it, its parents' part included if it is expandable.
    public var unreserved: CPUAmount

    /// A report.
    public init(
        path: PoolPath, settings: PoolSettings, machines: Int, entitlement: CPUAmount, unreserved: CPUAmount
    ) {
        self.path = path
        self.settings = settings
        self.machines = machines
        self.entitlement = entitlement
        self.unreserved = unreserved
    }

    /// Reads an answer.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        self.init(
            path: try body.required("path", try body.pool("path")),
            settings: PoolSettings(
                cpu: try CPUChange(body).applied(to: .normal),
                isExpandable: try body.required("expandable", try body.boolean("expandable"))),
            machines: try body.required("machines", try body.integer("machines", in: 0...Int.max)),
            entitlement: try body.required("entitlement", try body.amount("entitlement")),
            unreserved: try body.required("unreserved", try body.amount("unreserved")))
    }

    /// The answer.
    public var json: JSONValue {
        .object(
            [JSONMember("path", .string(path.description))] + settings.cpu.members + [
                JSONMember("expandable", .boolean(settings.isExpandable)),
                JSONMember("machines", JSONValue(machines)), JSONMember("entitlement", entitlement.json),
                JSONMember("unreserved", unreserved.json),
            ])
    }
}

/// The manager itself: the answer of `GET /v1/status`.
public struct ManagerStatus: Equatable, Sendable {
    /// Its process.
    public var process: Int32
    /// Milliseconds since it started.
    public var uptimeMilliseconds: UInt64
    /// How the CPUs are divided: `cgroup v2`, `cgroup v1` or `nice`.
    public var mechanism: String
    /// What the mechanism cannot do here, and why a better one is not used: a sentence each.
    public var remarks: [String]
    /// What there is to divide.
    public var capacity: CPUAmount
    /// What may still be reserved.
    public var unreserved: CPUAmount
    /// Machines it looks after.
    public var machines: Int

    /// A status.
    public init(
        process: Int32, uptimeMilliseconds: UInt64, mechanism: String, remarks: [String],
        capacity: CPUAmount, unreserved: CPUAmount, machines: Int
    ) {
        self.process = process
        self.uptimeMilliseconds = uptimeMilliseconds
        self.mechanism = mechanism
        self.remarks = remarks
        self.capacity = capacity
        self.unreserved = unreserved
        self.machines = machines
    }

    /// Reads an answer.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        var remarks: [String] = []
        for case .string(let remark) in try body.array("remarks") ?? [] { remarks.append(remark) }
        self.init(
            process: try body.process(),
            uptimeMilliseconds: try body.required(
                "uptimeMilliseconds", try body.unsigned("uptimeMilliseconds")),
            mechanism: try body.required("mechanism", try body.string("mechanism")), remarks: remarks,
            capacity: try body.required("capacity", try body.amount("capacity")),
            unreserved: try body.required("unreserved", try body.amount("unreserved")),
            machines: try body.required("machines", try body.integer("machines", in: 0...Int.max)))
    }

    /// The answer.
    public var json: JSONValue {
        [
            "version": 1, "process": JSONValue(process),
            "uptimeMilliseconds": JSONValue(uptimeMilliseconds), "mechanism": .string(mechanism),
            "remarks": .array(remarks.map(JSONValue.string)), "capacity": capacity.json,
            "unreserved": unreserved.json, "machines": JSONValue(machines),
        ]
    }
}

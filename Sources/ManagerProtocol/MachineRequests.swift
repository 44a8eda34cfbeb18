public import JSONText
public import Resources

/// A machine that is to run: the body of `PUT /v1/machines/{name}`. It is admitted, or refused with the
/// arithmetic; once admitted its process is divided like the others.
public struct MachineRegistration: Equatable, Sendable {
    /// The process that is, or becomes, the machine.
    public var process: Int32
    /// Virtual CPUs.
    public var virtualCPUs: Int
    /// What it may have.
    public var cpu: CPUAllocation
    /// The pool it is in.
    public var pool: PoolPath

    /// A registration.
    public init(process: Int32, virtualCPUs: Int, cpu: CPUAllocation = .normal, pool: PoolPath = .root) {
        self.process = process
        self.virtualCPUs = virtualCPUs
        self.cpu = cpu
        self.pool = pool
    }

    /// Reads a body.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        try body.refuseOthers(than: ["process", "cpus", "pool"] + CPUChange.memberNames)
        try self.init(body)
    }

    init(_ body: BodyReader) throws(ManagerProblem) {
        let virtualCPUs = try body.required(
            "cpus", try body.integer("cpus", in: 1...VMSettings.mostVirtualCPUs))
        self.init(
            process: try body.process(), virtualCPUs: virtualCPUs,
            cpu: try CPUChange(body).applied(to: .normal), pool: try body.pool("pool") ?? .root)
    }

    /// The body.
    public var json: JSONValue { .object(members) }

    var members: [JSONMember] {
        [
            JSONMember("process", JSONValue(process)), JSONMember("cpus", JSONValue(virtualCPUs)),
            JSONMember("pool", .string(pool.description)),
        ] + cpu.members
    }
}

/// What is to change of a machine: the body of `PATCH /v1/machines/{name}`.
public struct MachineChange: Equatable, Sendable {
    /// The settings.
    public var cpu: CPUChange
    /// The pool it moves to; nil: it stays.
    public var pool: PoolPath?

    /// A change.
    public init(cpu: CPUChange = CPUChange(), pool: PoolPath? = nil) {
        self.cpu = cpu
        self.pool = pool
    }

    /// Reads a body.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        try body.refuseOthers(than: ["pool"] + CPUChange.memberNames)
        cpu = try CPUChange(body)
        pool = try body.pool("pool")
    }

    /// The body.
    public var json: JSONValue {
        .object(cpu.members + (pool.map { [JSONMember("pool", .string($0.description))] } ?? []))
    }
}

/// What is to change of a pool: the body of `PATCH /v1/pools/{path}`; with a `path` more, what a new pool is to
/// be: the body of `POST /v1/pools`.
public struct PoolChange: Equatable, Sendable {
    /// The settings.
    public var cpu: CPUChange
    /// Whether it takes from its parent what members reserve beyond its own; nil: as it is.
    public var isExpandable: Bool?

    /// A change.
    public init(cpu: CPUChange = CPUChange(), isExpandable: Bool? = nil) {
        self.cpu = cpu
        self.isExpandable = isExpandable
    }

    /// Reads a body.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        try body.refuseOthers(than: Self.memberNames)
        try self.init(body)
    }

    static let memberNames = ["expandable"] + CPUChange.memberNames

    init(_ body: BodyReader) throws(ManagerProblem) {
        cpu = try CPUChange(body)
        isExpandable = try body.boolean("expandable")
    }

    /// The body.
    public var json: JSONValue { .object(members) }

    var members: [JSONMember] {
        cpu.members + (isExpandable.map { [JSONMember("expandable", .boolean($0))] } ?? [])
    }

    /// Settings with the change made.
    public func applied(to settings: PoolSettings) throws(ManagerProblem) -> PoolSettings {
        PoolSettings(
            cpu: try cpu.applied(to: settings.cpu), isExpandable: isExpandable ?? settings.isExpandable)
    }
}

/// A pool that is to be: the body of `POST /v1/pools`.
public struct NewPool: Equatable, Sendable {
    /// Where.
    public var path: PoolPath
    /// Its settings, as a change of the normal ones.
    public var settings: PoolChange

    /// A pool.
    public init(path: PoolPath, settings: PoolChange = PoolChange()) {
        self.path = path
        self.settings = settings
    }

    /// Reads a body.
    public init(json: JSONValue) throws(ManagerProblem) {
        let body = try BodyReader(json)
        try body.refuseOthers(than: ["path"] + PoolChange.memberNames)
        path = try body.required("path", try body.pool("path"))
        settings = try PoolChange(body)
    }

    /// The body.
    public var json: JSONValue {
        .object([JSONMember("path", .string(path.description))] + settings.members)
    }
}

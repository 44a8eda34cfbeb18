public import JSONText
internal import Resources

extension MachineSpec {
    /// The names of all fields, in the order in which they are written.
    public static let fieldNames = [
        "version", "name", "kernel", "initrd", "commandLine", "bootProtocol", "cpus", "memory", "hugePages",
        "console", "escapeKey", "logLevel", "graceSeconds", "runDirectory",
        "disks", "nets", "vsock", "balloon", "rng", "virtioConsole", "ioThreads",
        "cpuShares", "cpuReservation", "cpuLimit", "pool", "managed",
    ]

    /// Reads a specification from JSON text and checks it.
    ///
    /// - Parameter text: UTF-8, at most `JSONValue.standardSizeLimit` bytes.
    public init(jsonText text: [UInt8]) throws(SpecError) {
        let value: JSONValue
        do { value = try JSONValue(text: text) } catch { throw .notJSON(error) }
        try self.init(json: value)
    }

    /// Reads a specification from JSON text and checks it.
    public init(jsonText text: String) throws(SpecError) {
        try self.init(jsonText: Array(text.utf8))
    }

    /// Reads a specification from a JSON object and checks it.
    ///
    /// Strict: a field that is not known, or of another type, is an error. `version`, `name` and
    /// `kernel` must be there; every other field has a default.
    public init(json: JSONValue) throws(SpecError) {
        let fields = try FieldReader(json)
        // First, because another version may well have other fields.
        let version = try fields.required("version", fields.value("version"))
        guard version == JSONValue(Self.formatVersion) else {
            throw .unknownVersion(version, position: fields.position(of: "version"))
        }
        try fields.refuseUnknown(known: Self.fieldNames)
        self.init(
            name: try fields.required("name", try fields.string("name")),
            kernel: try fields.required("kernel", try fields.string("kernel")))
        try readOptional(fields)
        try readDevices(fields)
        try readResources(fields)
        do {
            try validate()
        } catch {
            throw error.naming({ $0 }, position: fields.position)
        }
    }

    private mutating func readOptional(_ fields: FieldReader) throws(SpecError) {
        initrd = try fields.string("initrd")
        commandLine = try fields.string("commandLine") ?? commandLine
        bootProtocol =
            try fields.parsed("bootProtocol", allowed: BootProtocol.form) { BootProtocol(rawValue: $0) }
            ?? bootProtocol
        cpus = try fields.integer("cpus", in: Self.cpusRange) ?? cpus
        memory = try fields.size("memory", allowed: Self.memoryForm) ?? memory
        hugePages = try fields.boolean("hugePages") ?? hugePages
        console = try fields.parsed("console", allowed: ConsoleSpec.form) { ConsoleSpec($0) } ?? console
        escapeKey = try fields.parsed("escapeKey", allowed: EscapeKey.form) { EscapeKey($0) } ?? escapeKey
        logLevel =
            try fields.parsed("logLevel", allowed: LogLevel.form) { LogLevel(rawValue: $0) } ?? logLevel
        graceSeconds = try fields.integer("graceSeconds", in: Self.graceRange) ?? graceSeconds
        runDirectory = try fields.string("runDirectory")
    }

    private mutating func readDevices(_ fields: FieldReader) throws(SpecError) {
        for (index, disk) in try fields.objects("disks").enumerated() {
            disks.append(try DiskSpec(disk, at: index))
        }
        for (index, net) in try fields.objects("nets").enumerated() {
            nets.append(try NetSpec(net, at: index))
        }
        if let vsock = try fields.object("vsock") { self.vsock = try VsockSpec(vsock) }
        if let balloon = try fields.object("balloon") { self.balloon = try BalloonSpec(balloon) }
        if let rng = try fields.object("rng") { self.rng = try EntropySpec(rng) }
        virtioConsole = try fields.parsed("virtioConsole", allowed: ConsoleSpec.form) { ConsoleSpec($0) }
        ioThreads = try fields.integer("ioThreads", in: Self.ioThreadsRange) ?? ioThreads
        // Standard input can go to one console only: who asks for it at one does not mean the other.
        if virtioConsole == .stdio, fields.value("console") == nil { console = .none }
    }

    /// The JSON object that `init(json:)` reads back to an equal value. Every field is written but
    /// those that are nil, lists without elements, one `ioThreads`, and resource settings at their defaults.
    public var json: JSONValue {
        let fields: [(String, JSONValue?)] =
            [
                ("version", JSONValue(Self.formatVersion)),
                ("name", .string(name)),
                ("kernel", .string(kernel)),
                ("initrd", initrd.map(JSONValue.string)),
                ("commandLine", .string(commandLine)),
                ("bootProtocol", .string(bootProtocol.rawValue)),
                ("cpus", JSONValue(cpus)),
                ("memory", .string(memory.description)),
                ("hugePages", .boolean(hugePages)),
                ("console", .string(console.description)),
                ("escapeKey", .string(escapeKey.description)),
                ("logLevel", .string(logLevel.rawValue)),
                ("graceSeconds", JSONValue(graceSeconds)),
                ("runDirectory", runDirectory.map(JSONValue.string)),
                ("disks", Self.array(disks)),
                ("nets", Self.array(nets)),
                ("vsock", vsock?.json),
                ("balloon", balloon?.json),
                ("rng", rng?.json),
                ("virtioConsole", virtioConsole.map { .string($0.description) }),
                ("ioThreads", ioThreads == 1 ? nil : JSONValue(ioThreads)),
            ] + resourceFields
        return .object(
            fields.compactMap { field in
                field.1.map { JSONMember(field.0, $0) }
            })
    }

    private static func array(_ devices: [some KeyedSpec]) -> JSONValue? {
        devices.isEmpty ? nil : .array(devices.map(\.json))
    }

    /// The text of `json`.
    public func jsonText(pretty: Bool = false) -> String {
        json.text(pretty ? .pretty : .compact)
    }
}

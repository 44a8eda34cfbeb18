public import JSONText

extension MachineSpec {
    /// The names of all fields, in the order in which they are written.
    public static let fieldNames = [
        "version", "name", "kernel", "initrd", "commandLine", "bootProtocol", "cpus", "memory", "hugePages",
        "console", "escapeKey", "logLevel", "graceSeconds", "runDirectory",
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
        do {
            try validate()
        } catch .invalid(let field, let value, let allowed, nil) {
            throw .invalid(field: field, value: value, allowed: allowed, position: fields.position(of: field))
        }
    }

    private mutating func readOptional(_ fields: FieldReader) throws(SpecError) {
        initrd = try fields.string("initrd")
        commandLine = try fields.string("commandLine") ?? commandLine
        bootProtocol =
            try fields.parsed("bootProtocol", allowed: BootProtocol.form) { BootProtocol(rawValue: $0) }
            ?? bootProtocol
        cpus = try fields.integer("cpus", in: Self.cpusRange) ?? cpus
        memory = try Self.size("memory", fields) ?? memory
        hugePages = try fields.boolean("hugePages") ?? hugePages
        console = try fields.parsed("console", allowed: ConsoleSpec.form) { ConsoleSpec($0) } ?? console
        escapeKey = try fields.parsed("escapeKey", allowed: EscapeKey.form) { EscapeKey($0) } ?? escapeKey
        logLevel =
            try fields.parsed("logLevel", allowed: LogLevel.form) { LogLevel(rawValue: $0) } ?? logLevel
        graceSeconds = try fields.integer("graceSeconds", in: Self.graceRange) ?? graceSeconds
        runDirectory = try fields.string("runDirectory")
    }

    /// A size may be a string with a unit or a number of bytes.
    private static func size(_ field: String, _ fields: FieldReader) throws(SpecError) -> ByteSize? {
        switch fields.value(field) {
        case .integer(let bytes) where bytes >= 0: return ByteSize(bytes: UInt64(bytes))
        case .unsigned(let bytes): return ByteSize(bytes: bytes)
        case .integer(let bytes):
            throw .invalid(
                field: field, value: .integer(bytes), allowed: memoryForm,
                position: fields.position(of: field))
        default: return try fields.parsed(field, allowed: ByteSize.form) { ByteSize($0) }
        }
    }

    /// The JSON object that `init(json:)` reads back to an equal value. Every field is written but
    /// those that are nil.
    public var json: JSONValue {
        let fields: [(String, JSONValue?)] = [
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
        ]
        return .object(
            fields.compactMap { field in
                field.1.map { JSONMember(field.0, $0) }
            })
    }

    /// The text of `json`.
    public func jsonText(pretty: Bool = false) -> String {
        json.text(pretty ? .pretty : .compact)
    }
}

internal import JSONText

/// A key of a device's option, `queue-size`, and with it a field of the device's JSON, `queueSize`.
struct DeviceKey {
    /// How a value is written in an option, and what it becomes in JSON.
    enum Kind {
        /// Any text: a string.
        case text
        /// Digits: a number.
        case number
        /// `on` or `off`: a boolean.
        case onOff
    }

    /// The key in an option: small letters and dashes.
    let name: String
    let kind: Kind

    /// The field in JSON: the words of the key together, each but the first with a capital.
    let field: String

    init(_ name: String, _ kind: Kind = .text) {
        self.name = name
        self.kind = kind
        var field = ""
        for word in name.split(separator: "-") {
            field += field.isEmpty ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
        }
        self.field = field
    }
}

/// A device that is described by keys and values.
protocol KeyedSpec {
    /// The keys, in the order in which they are told and written.
    static var keys: [DeviceKey] { get }
    /// The key whose value may stand alone at the start of an option.
    static var mainKey: String? { get }

    /// Reads the fields, of which none is unknown.
    ///
    /// - Parameter index: the device's place among its kind, for defaults that depend on it.
    init(reading fields: FieldReader, at index: Int) throws(SpecError)

    /// Checks the values alone, naming fields without a prefix.
    func validate() throws(SpecError)

    /// The JSON members, in the order of the keys, but those that are nil.
    var members: [JSONMember] { get }
}

extension KeyedSpec {
    static var mainKey: String? { nil }

    /// Reads and checks a device.
    init(_ fields: FieldReader, at index: Int = 0) throws(SpecError) {
        try fields.refuseUnknown(known: Self.keys.map(\.field))
        try self.init(reading: fields, at: index)
        do {
            try validate()
        } catch {
            throw error.naming(fields.name, position: fields.position)
        }
    }

    /// The object that `init(_:at:)` reads back.
    var json: JSONValue { .object(members) }
}

/// What the devices' checks have in common.
enum DeviceCheck {
    /// Queue sizes of the split ring (virtio 1.2 §2.7), as far as a host should spend memory on them.
    static let queueSizes = 2...1024
    static let queueSizeForm = "a power of two from \(queueSizes.lowerBound) to \(queueSizes.upperBound)"
    /// The longest id in bytes: what a guest can ask a disk for (virtio 1.2 §5.2.6.1).
    static let longestID = 20
    static let idForm = "1 to \(longestID) of a-z A-Z 0-9 . _ -, the first one not . or -"

    static func id(_ id: String) throws(SpecError) {
        guard MachineSpec.isName(id), id.utf8.count <= longestID else {
            throw .invalid(field: "id", value: .string(id), allowed: idForm)
        }
    }

    static func queueSize(_ size: Int) throws(SpecError) {
        guard queueSizes.contains(size), size & (size - 1) == 0 else {
            throw .invalid(field: "queueSize", value: JSONValue(size), allowed: queueSizeForm)
        }
    }

    static func path(_ field: String, _ path: String, longest: Int = MachineSpec.longestPath)
        throws(SpecError)
    {
        guard (1...longest).contains(path.utf8.count), !path.utf8.contains(0) else {
            throw .invalid(
                field: field, value: .string(path),
                allowed: "a path of 1 to \(longest) bytes, none of them zero")
        }
    }
}

extension FieldReader {
    /// A queue's size, which its device checks.
    func queueSize() throws(SpecError) -> Int? {
        guard let value = value("queueSize") else { return nil }
        if case .integer(let number) = value, let size = Int(exactly: number) { return size }
        guard value.kind != JSONValue.integer(0).kind else {
            throw invalid("queueSize", value, DeviceCheck.queueSizeForm)
        }
        throw wrongType("queueSize", value, DeviceCheck.queueSizeForm)
    }
}

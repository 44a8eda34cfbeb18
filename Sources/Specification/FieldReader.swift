internal import JSONText

/// Takes the fields of one JSON object apart, with errors that name field and place.
struct FieldReader {
    private let members: [JSONMember]
    /// What stands before a field's name in messages: `disks[0].`, or nothing.
    private let prefix: String

    init(_ value: JSONValue, prefix: String = "") throws(SpecError) {
        guard case .object(let members) = value else { throw .notAnObject(kind: value.kind) }
        self.members = members
        self.prefix = prefix
    }

    /// A field as messages name it.
    func name(_ field: String) -> String {
        prefix + field
    }

    /// Refuses every field but these.
    func refuseUnknown(known: [String]) throws(SpecError) {
        for member in members where !known.contains(member.key) {
            throw .unknownField(
                name(member.key), nearest: Spelling.nearest(to: member.key, among: known),
                position: member.position)
        }
    }

    /// The fields of the object that a field holds; nil when it is not there.
    func object(_ field: String) throws(SpecError) -> FieldReader? {
        guard let value = value(field) else { return nil }
        guard case .object = value else { throw wrongType(field, value, "an object") }
        return try FieldReader(value, prefix: name(field) + ".")
    }

    /// The fields of each object in the array that a field holds; none when it is not there.
    func objects(_ field: String) throws(SpecError) -> [FieldReader] {
        guard let value = value(field) else { return [] }
        guard case .array(let elements) = value else { throw wrongType(field, value, "an array of objects") }
        var readers: [FieldReader] = []
        for (index, element) in elements.enumerated() {
            let name = "\(name(field))[\(index)]"
            guard case .object = element else {
                throw .wrongType(
                    field: name, kind: element.kind, allowed: "an object", position: position(of: field))
            }
            readers.append(try FieldReader(element, prefix: name + "."))
        }
        return readers
    }

    /// Where a field stands, by its name or by that of a part of it, such as `disks[0].id`.
    func position(of field: String) -> TextPosition? {
        let root = field.prefix { $0 != "[" && $0 != "." }
        return members.first { $0.key == root }?.position
    }

    func value(_ field: String) -> JSONValue? {
        members.first { $0.key == field }?.value
    }

    func required<Value>(_ field: String, _ value: Value?) throws(SpecError) -> Value {
        guard let value else { throw .missing(field: name(field)) }
        return value
    }

    func string(_ field: String) throws(SpecError) -> String? {
        switch value(field) {
        case nil: return nil
        case .string(let text): return text
        case .some(let value): throw wrongType(field, value, "a string")
        }
    }

    func boolean(_ field: String) throws(SpecError) -> Bool? {
        switch value(field) {
        case nil: return nil
        case .boolean(let value): return value
        case .some(let value): throw wrongType(field, value, "true or false")
        }
    }

    func integer(_ field: String, in range: ClosedRange<Int>) throws(SpecError) -> Int? {
        switch value(field) {
        case nil:
            return nil
        case .integer(let number) where Int(exactly: number).map(range.contains) == true:
            return Int(number)
        case .some(let value) where value.kind == JSONValue.integer(0).kind:
            throw invalid(field, value, MachineSpec.wholeNumber(in: range))
        case .some(let value):
            throw wrongType(field, value, MachineSpec.wholeNumber(in: range))
        }
    }

    /// A size: a string with a unit, or a number of bytes.
    ///
    /// - Parameter allowed: what is said of a number that is no size.
    func size(_ field: String, allowed: @autoclosure () -> String) throws(SpecError) -> ByteSize? {
        switch value(field) {
        case .integer(let bytes) where bytes >= 0: return ByteSize(bytes: UInt64(bytes))
        case .unsigned(let bytes): return ByteSize(bytes: bytes)
        case .some(.integer(let bytes)): throw invalid(field, .integer(bytes), allowed())
        default: return try parsed(field, allowed: ByteSize.form) { ByteSize($0) }
        }
    }

    /// A string that a type of its own reads.
    func parsed<Value>(
        _ field: String, allowed: @autoclosure () -> String, _ parse: (String) -> Value?
    ) throws(SpecError) -> Value? {
        switch value(field) {
        case nil:
            return nil
        case .string(let text):
            guard let value = parse(text) else {
                throw invalid(field, .string(text), allowed())
            }
            return value
        case .some(let value):
            throw wrongType(field, value, allowed())
        }
    }

    func wrongType(_ field: String, _ value: JSONValue, _ allowed: String) -> SpecError {
        .wrongType(field: name(field), kind: value.kind, allowed: allowed, position: position(of: field))
    }

    func invalid(_ field: String, _ value: JSONValue, _ allowed: String) -> SpecError {
        .invalid(field: name(field), value: value, allowed: allowed, position: position(of: field))
    }
}

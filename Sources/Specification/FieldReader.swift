internal import JSONText

/// Takes the fields of one JSON object apart, with errors that name field and place.
struct FieldReader {
    private let members: [JSONMember]

    init(_ value: JSONValue) throws(SpecError) {
        guard case .object(let members) = value else { throw .notAnObject(kind: value.kind) }
        self.members = members
    }

    /// Refuses every field but these.
    func refuseUnknown(known: [String]) throws(SpecError) {
        for member in members where !known.contains(member.key) {
            throw .unknownField(
                member.key, nearest: Spelling.nearest(to: member.key, among: known), position: member.position
            )
        }
    }

    func position(of field: String) -> TextPosition? {
        members.first { $0.key == field }?.position
    }

    func value(_ field: String) -> JSONValue? {
        members.first { $0.key == field }?.value
    }

    func required<Value>(_ field: String, _ value: Value?) throws(SpecError) -> Value {
        guard let value else { throw .missing(field: field) }
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
            throw .invalid(
                field: field, value: value, allowed: MachineSpec.wholeNumber(in: range),
                position: position(of: field))
        case .some(let value):
            throw wrongType(field, value, MachineSpec.wholeNumber(in: range))
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
                throw .invalid(
                    field: field, value: .string(text), allowed: allowed(), position: position(of: field))
            }
            return value
        case .some(let value):
            throw wrongType(field, value, allowed())
        }
    }

    func wrongType(_ field: String, _ value: JSONValue, _ allowed: String) -> SpecError {
        .wrongType(field: field, kind: value.kind, allowed: allowed, position: position(of: field))
    }
}

internal import JSONText

/// Takes the members of one JSON object apart, with errors that name the member.
struct MemberReader {
    private let members: [JSONMember]
    private let code: ControlError.Code

    /// A method's parameters: by name, or none.
    init(parameters: JSONValue?) throws(ControlError) {
        code = .invalidParams
        switch parameters {
        case nil, .array([]): members = []
        case .object(let given): members = given
        default: throw ControlError(.invalidParams, "parameters are given by name, in an object")
        }
    }

    /// What another process answered.
    init(result: JSONValue) throws(ControlError) {
        code = .internalError
        guard case .object(let members) = result else {
            throw ControlError(.internalError, "the answer is \(result.kind), not an object")
        }
        self.members = members
    }

    func refuseOthers(than known: [String]) throws(ControlError) {
        for member in members where !known.contains(member.key) {
            let allowed = known.isEmpty ? "there are none" : "allowed: \(known.joined(separator: ", "))"
            throw ControlError(
                code,
                "unknown parameter \(JSONValue.string(String(member.key.prefix(60))).text()); \(allowed)")
        }
    }

    func value(_ name: String) -> JSONValue? { members.first { $0.key == name }?.value }

    func missing(_ name: String) -> ControlError { ControlError(code, "\(name) is missing") }

    func required<Value>(_ name: String, _ value: Value?) throws(ControlError) -> Value {
        guard let value else { throw missing(name) }
        return value
    }

    func string(_ name: String) throws(ControlError) -> String? {
        switch value(name) {
        case nil, .null: return nil
        case .string(let text): return text
        case .some(let value): throw wrong(name, value, "a string")
        }
    }

    func boolean(_ name: String) throws(ControlError) -> Bool? {
        switch value(name) {
        case nil, .null: return nil
        case .boolean(let value): return value
        case .some(let value): throw wrong(name, value, "true or false")
        }
    }

    func unsigned(_ name: String) throws(ControlError) -> UInt64? {
        switch value(name) {
        case nil: return nil
        case .integer(let number) where number >= 0: return UInt64(number)
        case .unsigned(let number): return number
        case .some(let value): throw wrong(name, value, "a whole number of at least 0")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ControlError) -> Int? {
        switch value(name) {
        case nil: return nil
        case .integer(let number) where Int(exactly: number).map(range.contains) == true: return Int(number)
        case .some(let value):
            throw wrong(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private func wrong(_ name: String, _ value: JSONValue, _ allowed: String) -> ControlError {
        let text = value.text()
        let shown = text.utf8.count > 60 ? value.kind : text
        return ControlError(code, "\(name) is \(shown); allowed: \(allowed)")
    }
}

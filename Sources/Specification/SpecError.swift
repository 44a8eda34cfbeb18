public import JSONText

/// What is wrong with a specification: which field, what it holds, what is allowed, and, when it was
/// read from a text, where.
public enum SpecError: Error, Equatable, CustomStringConvertible {
    /// The text is not JSON.
    case notJSON(JSONError)
    /// The JSON is not an object but this kind of value.
    case notAnObject(kind: String)
    /// The version is not one that is read here.
    case unknownVersion(JSONValue, position: TextPosition? = nil)
    /// There is no such field; perhaps another was meant.
    case unknownField(String, nearest: String?, position: TextPosition? = nil)
    /// A required field is not there.
    case missing(field: String)
    /// A field holds another kind of value than it should.
    case wrongType(field: String, kind: String, allowed: String, position: TextPosition? = nil)
    /// A field holds a value that is not allowed.
    case invalid(field: String, value: JSONValue, allowed: String, position: TextPosition? = nil)

    /// Where in the text, if that is known.
    public var position: TextPosition? {
        switch self {
        case .notJSON(let error): error.position
        case .notAnObject, .missing: nil
        case .unknownVersion(_, let position), .unknownField(_, _, let position),
            .wrongType(_, _, _, let position), .invalid(_, _, _, let position):
            position
        }
    }

    /// The problem in one line, without the position.
    public var reason: String {
        switch self {
        case .notJSON(let error):
            error.reason
        case .notAnObject(let kind):
            "expected an object, found \(kind)"
        case .unknownVersion(let value, _):
            "version is \(Self.shown(value)); this Roost reads version \(MachineSpec.formatVersion)"
        case .unknownField(let field, let nearest, _):
            "unknown field \(Self.shown(.string(field)))"
                + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
        case .missing(let field):
            "\(field) is missing"
        case .wrongType(let field, let kind, let allowed, _):
            "\(field) is \(kind); allowed: \(allowed)"
        case .invalid(let field, let value, let allowed, _):
            "\(field) is \(Self.shown(value)); allowed: \(allowed)"
        }
    }

    /// `line:column: reason`, or the reason alone.
    public var description: String {
        position.map { "\($0): \(reason)" } ?? reason
    }

    /// A value as it may stand in a message: printable, and cut when it is long.
    private static func shown(_ value: JSONValue) -> String {
        let limit = 60
        let text = value.text()
        guard text.count > limit else { return text }
        return text.prefix(limit) + "… (\(text.utf8.count) bytes)"
    }
}

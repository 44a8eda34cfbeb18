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
    /// A field holds what only one may hold, and another has it already.
    case duplicate(field: String, value: JSONValue, other: String, position: TextPosition? = nil)
    /// There are more virtio devices than a machine can have; the field is the one that is too much.
    case tooManyDevices(field: String, count: Int, limit: Int, position: TextPosition? = nil)
    /// A field's own type refuses what it holds, or it does not go with another: a clause that says why.
    case contradiction(field: String, reason: String, position: TextPosition? = nil)

    /// Where in the text, if that is known.
    public var position: TextPosition? {
        switch self {
        case .notJSON(let error): error.position
        case .notAnObject, .missing: nil
        case .unknownVersion(_, let position), .unknownField(_, _, let position),
            .wrongType(_, _, _, let position), .invalid(_, _, _, let position),
            .duplicate(_, _, _, let position), .tooManyDevices(_, _, _, let position),
            .contradiction(_, _, let position):
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
        case .duplicate(let field, let value, let other, _):
            "\(field) is \(Self.shown(value)), and so is \(other)"
        case .tooManyDevices(_, let count, let limit, _):
            "the machine has \(count) virtio devices (disks, network cards and others); at most \(limit) fit"
        case .contradiction(let field, let reason, _):
            "\(field): \(reason)"
        }
    }

    /// The field at fault; nil when it is the whole text.
    public var field: String? {
        switch self {
        case .notJSON, .notAnObject: nil
        case .unknownVersion: "version"
        case .unknownField(let field, _, _), .missing(let field), .wrongType(let field, _, _, _),
            .invalid(let field, _, _, _), .duplicate(let field, _, _, _),
            .tooManyDevices(let field, _, _, _), .contradiction(let field, _, _):
            field
        }
    }

    /// The same error with its fields named anew, at a place that is found by the old name of the field.
    public func naming(
        _ name: (String) -> String, position: (String) -> TextPosition? = { _ in nil }
    ) -> SpecError {
        switch self {
        case .notJSON, .notAnObject, .unknownVersion:
            self
        case .unknownField(let field, let nearest, let place):
            .unknownField(name(field), nearest: nearest, position: place ?? position(field))
        case .missing(let field):
            .missing(field: name(field))
        case .wrongType(let field, let kind, let allowed, let place):
            .wrongType(field: name(field), kind: kind, allowed: allowed, position: place ?? position(field))
        case .invalid(let field, let value, let allowed, let place):
            .invalid(field: name(field), value: value, allowed: allowed, position: place ?? position(field))
        case .duplicate(let field, let value, let other, let place):
            .duplicate(
                field: name(field), value: value, other: name(other), position: place ?? position(field))
        case .tooManyDevices(let field, let count, let limit, let place):
            .tooManyDevices(
                field: name(field), count: count, limit: limit, position: place ?? position(field))
        case .contradiction(let field, let reason, let place):
            .contradiction(field: name(field), reason: reason, position: place ?? position(field))
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

public import JSONText

/// Why the manager did not do what it was asked: a problem document (RFC 9457).
public struct ManagerProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of problem it is. The raw value stands in the document, and never changes.
    public enum Kind: String, Sendable, CaseIterable {
        /// The request is no request of this API.
        case badRequest = "bad-request"
        /// A value is not allowed, alone or with the others.
        case invalid
        /// There is no machine of that name.
        case noSuchMachine = "no-such-machine"
        /// There is no pool of that path.
        case noSuchPool = "no-such-pool"
        /// Nothing is at that address.
        case notFound = "not-found"
        /// Something of that name is there already.
        case exists
        /// The pool has members.
        case notEmpty = "not-empty"
        /// The reservations could not all be met.
        case admissionRefused = "admission-refused"
        /// The request is larger than any of this API's.
        case tooLarge = "too-large"
        /// The manager has more to do than it can.
        case overloaded
        /// The manager could not do it.
        case failed

        /// The status of the answer (RFC 9110, §15).
        public var status: Int {
            switch self {
            case .badRequest: 400
            case .invalid: 422
            case .noSuchMachine, .noSuchPool, .notFound: 404
            case .exists, .notEmpty, .admissionRefused: 409
            case .tooLarge: 413
            case .overloaded: 503
            case .failed: 500
            }
        }

        /// What the kind is called.
        public var title: String {
            switch self {
            case .badRequest: "Bad request"
            case .invalid: "Invalid value"
            case .noSuchMachine: "No such machine"
            case .noSuchPool: "No such pool"
            case .notFound: "Not found"
            case .exists: "Already there"
            case .notEmpty: "Not empty"
            case .admissionRefused: "Admission refused"
            case .tooLarge: "Too large"
            case .overloaded: "Overloaded"
            case .failed: "Failed"
            }
        }
    }

    /// The kind.
    public let kind: Kind
    /// What is wrong, in a sentence with names and numbers.
    public let detail: String

    /// A problem.
    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    /// The sentence.
    public var description: String { detail }

    /// How the kinds are named in a document.
    private static let typePrefix = "urn:roost:problem:"

    /// The document.
    public var json: JSONValue {
        [
            "type": .string(Self.typePrefix + kind.rawValue), "title": .string(kind.title),
            "status": JSONValue(kind.status), "detail": .string(detail),
        ]
    }

    /// Reads a document; nil if it is something else.
    public init?(json: JSONValue) {
        guard case .string(let type) = json["type"], type.hasPrefix(Self.typePrefix),
            let kind = Kind(rawValue: String(type.dropFirst(Self.typePrefix.count))),
            case .string(let detail) = json["detail"]
        else { return nil }
        self.init(kind, detail)
    }
}

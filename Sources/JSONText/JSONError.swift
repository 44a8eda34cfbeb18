/// Why a text is not the JSON that is read here, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Equatable, Sendable {
        /// Something else had to come here; both in words.
        case expected(String, found: String)
        /// An object has this key twice; the position is the second one's.
        case duplicateKey(String)
        /// A number too large for a `Double`.
        case numberOutOfRange
        /// A string with bytes that are not UTF-8; the position is the string's start.
        case invalidUTF8
        /// Arrays and objects are nested deeper than the limit.
        case tooDeep(limit: Int)
        /// The text is longer than the limit, in bytes.
        case tooLarge(size: Int, limit: Int)
    }

    /// What is wrong.
    public let problem: Problem
    /// Where the offending part begins.
    public let position: TextPosition

    /// An error at a place.
    public init(_ problem: Problem, at position: TextPosition) {
        self.problem = problem
        self.position = position
    }

    /// The problem in one line, without the position.
    public var reason: String {
        switch problem {
        case .expected(let expected, let found):
            "expected \(expected), found \(found)"
        case .duplicateKey(let key):
            "the key \(JSONValue.string(key).text()) is given twice"
        case .numberOutOfRange:
            "the number is too large"
        case .invalidUTF8:
            "expected a string in UTF-8, found other bytes in it"
        case .tooDeep(let limit):
            "arrays and objects are nested deeper than \(limit)"
        case .tooLarge(let size, let limit):
            "the text has \(size) bytes, at most \(limit) are read"
        }
    }

    /// `line:column: reason`.
    public var description: String { "\(position): \(reason)" }
}

/// A JSON text as a tree of values.
///
/// Whole numbers are kept exact: a value of `Int64`'s range is always `integer`, one above it is
/// `unsigned`. Two values are equal when they would be written alike; where a member stood in the
/// text it was read from makes no difference.
public enum JSONValue: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case boolean(Bool)
    /// A whole number that fits `Int64`.
    case integer(Int64)
    /// A whole number above `Int64.max`.
    case unsigned(UInt64)
    /// Any other number. It is finite when it came from a text.
    case number(Double)
    /// A string.
    case string(String)
    /// A sequence of values.
    case array([JSONValue])
    /// Keys and values in the order of the text. The reader refuses a key given twice.
    case object([JSONMember])

    /// A whole number of any integer type, in its one right case.
    ///
    /// A number outside `Int64` and `UInt64` cannot be held exactly and becomes a `number`.
    public init(_ number: some BinaryInteger) {
        if let small = Int64(exactly: number) {
            self = .integer(small)
        } else if let large = UInt64(exactly: number) {
            self = .unsigned(large)
        } else {
            self = .number(Double(number))
        }
    }

    /// What kind of value this is, in words for a message: `a string`, `an object`.
    public var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .unsigned: "a whole number"
        case .number: "a number with a fraction or an exponent"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The value of an object's member; nil when this is no object or has no such member.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object whose members keep the order of the literal.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { JSONMember($0.0, $0.1) })
    }
}

/// One key and its value in an object.
public struct JSONMember: Equatable, Sendable {
    /// The key.
    public var key: String
    /// The value.
    public var value: JSONValue
    /// Where the key stood in the text; nil for a member that was made, not read.
    public let position: TextPosition?

    /// A member, with its place in the text if it came from one.
    public init(_ key: String, _ value: JSONValue, at position: TextPosition? = nil) {
        self.key = key
        self.value = value
        self.position = position
    }

    /// Whether key and value agree; the positions may differ.
    public static func == (one: JSONMember, other: JSONMember) -> Bool {
        one.key == other.key && one.value == other.value
    }
}

/// A place in a text, as editors count.
public struct TextPosition: Equatable, Sendable, CustomStringConvertible {
    /// The line, from 1. Lines end with a line feed.
    public let line: Int
    /// The column, from 1, in Unicode scalars.
    public let column: Int

    /// A place by line and column, both from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`, as compilers print it.
    public var description: String { "\(line):\(column)" }
}

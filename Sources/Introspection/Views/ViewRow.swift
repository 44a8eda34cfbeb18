/// A value in a view, told for people and programs alike.
public enum ViewValue: Equatable, Sendable {
    /// Nothing is known or there is none: `-` in a table, null in JSON.
    case none
    /// Text of the guest's; whoever prints it makes control characters harmless.
    case text(String)
    /// A number.
    case number(Int64)
    /// Bytes: shortened to KiB, MiB… in a table, a number in JSON.
    case size(UInt64)
    /// A guest address: hexadecimal, in JSON too.
    case address(UInt64)
    /// A length of time in nanoseconds: seconds in a table, nanoseconds in JSON.
    case duration(UInt64)
    /// A moment in nanoseconds since 1970 UTC: date and time in a table, nanoseconds in JSON.
    case moment(UInt64)
    /// Yes or no.
    case flag(Bool)
    /// Several values.
    case list([ViewValue])
    /// Several named values.
    case record([ViewField])
}

/// A named value.
public struct ViewField: Equatable, Sendable {
    /// The key in JSON, in lower camel case.
    public let name: String
    /// The value.
    public let value: ViewValue

    /// Both as given.
    public init(_ name: String, _ value: ViewValue) {
        self.name = name
        self.value = value
    }
}

/// What a column of a view is called.
public struct ViewColumn: Equatable, Sendable {
    /// The heading of the table; empty for what only JSON shows.
    public let title: String
    /// The key in JSON, in lower camel case; it stays as it is once it is published.
    public let key: String
    /// The column keeps to the right, as numbers do.
    public let isNumber: Bool

    /// All as given.
    public init(_ title: String, _ key: String, isNumber: Bool = false) {
        self.title = title
        self.key = key
        self.isNumber = isNumber
    }
}

/// One thing that a view lists: a process, a module, a socket.
public protocol ViewRow: Equatable, Sendable {
    /// What makes it the same thing in a later look: a process's number and start, a socket's inode.
    associatedtype Identity: Hashable
    /// What does not change while it is looked at, if the look was right: all but counters.
    associatedtype Settled: Equatable

    /// The view's columns, in the order of `cells`.
    static var columns: [ViewColumn] { get }
    /// The row's values.
    var cells: [ViewValue] { get }
    /// Which thing it is.
    var identity: Identity { get }
    /// What a second look must find again for the first one to be believed.
    var settled: Settled { get }
}

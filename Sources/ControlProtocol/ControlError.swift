internal import JSONText

/// Why a request was not carried out, as the requester is told it. JSON-RPC 2.0, 5.1.
public struct ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of error: the number of docs/control-socket.md.
    public let code: Code
    /// One sentence for people.
    public let message: String

    /// The kinds of errors.
    public enum Code: Int64, Equatable, Sendable, CaseIterable {
        /// The line is not JSON.
        case parseError = -32700
        /// The JSON is not a request.
        case invalidRequest = -32600
        /// There is no such method.
        case methodNotFound = -32601
        /// The parameters are not those of the method.
        case invalidParams = -32602
        /// Roost itself is at fault, or the host refused something.
        case internalError = -32603
        /// There are too many connections or requests; another time may do.
        case busy = -32001
        /// The machine has ended or is about to.
        case ended = -32002
        /// There is no device of that name.
        case noSuchDevice = -32003
        /// This machine or device has nothing of the kind.
        case notSupported = -32004
        /// The line is longer than `ControlLimits.longestLine`, or came too slowly.
        case badLine = -32005
        /// This connection does not hold the machine, or no more: a stop has let it go on.
        case notHeld = -32006
    }

    /// An error with its sentence.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }

    var json: JSONValue { ["code": .integer(code.rawValue), "message": .string(message)] }
}

/// The bounds that keep a machine's control socket small, for both sides.
public enum ControlLimits {
    /// The longest line in bytes, the line feed not counted: 64 KiB.
    public static let longestLine = 64 << 10
    /// Connections at a time; one more closes the one that has been silent longest.
    public static let connections = 32
    /// Connections that wait for the machine's end at a time.
    public static let waiters = 16
    /// Connections that hold the machine still at a time. With those that wait for its end they leave room: neither
    /// is closed for whoever comes.
    public static let holders = 8
    /// Requests of one connection that are read before they are answered, and that are answered before the
    /// others have their turn.
    public static let queuedRequests = 16
    /// Answered but unread bytes from which on no further request of a connection is looked at.
    public static let backlog = 64 << 10
    /// How many seconds a line may take from its first byte to its last, and an answer to be read.
    public static let patienceSeconds: UInt64 = 10
    /// Consoles attached at a time.
    public static let attachedConsoles = 8
}

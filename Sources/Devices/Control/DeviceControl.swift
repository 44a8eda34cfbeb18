/// A device as people control it while the machine runs: named, with figures, perhaps with limits.
///
/// Called from the machine's main thread, at any time from its making to its end, paused or not; the
/// device guards what it touches by its own lock, and holds it only briefly.
public protocol DeviceControl: AnyObject, Sendable {
    /// Its name, unique in the machine: the `id` of its specification, or its kind and a number.
    var id: String { get }
    /// What it is, in one word: `serial`, `block`, `net`.
    var kind: String { get }
    /// What a status tells about it besides, in the order to show; names like `bytesPerSecond`.
    var statusFields: [StatusField] { get }
    /// Changes how fast it may be, from the next request on.
    func setLimits(_ change: DeviceLimits) throws(DeviceControlError)
}

extension DeviceControl {
    /// A device without limits.
    public func setLimits(_ change: DeviceLimits) throws(DeviceControlError) {
        throw .notSupported("\(id) is a \(kind) device, which has no limits")
    }
}

/// One figure of a device.
public struct StatusField: Equatable, Sendable {
    /// What the figure says.
    public enum Value: Equatable, Sendable {
        /// An amount or count.
        case number(UInt64)
        /// A word, a path.
        case text(String)
        /// Yes or no.
        case flag(Bool)
    }

    /// Its name, in camel case with its unit.
    public let name: String
    /// What it is now.
    public let value: Value

    /// A figure by its name.
    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}

/// New limits of a device. What is nil stays; 0 takes a limit away.
public struct DeviceLimits: Equatable, Sendable {
    /// Bytes a second.
    public var bytesPerSecond: UInt64?
    /// Operations (requests, packets) a second.
    public var operationsPerSecond: UInt64?
    /// Bytes that may pass at once after a rest.
    public var burstBytes: UInt64?
    /// Operations that may pass at once after a rest.
    public var burstOperations: UInt64?

    /// A change of what is given.
    public init(
        bytesPerSecond: UInt64? = nil, operationsPerSecond: UInt64? = nil, burstBytes: UInt64? = nil,
        burstOperations: UInt64? = nil
    ) {
        self.bytesPerSecond = bytesPerSecond
        self.operationsPerSecond = operationsPerSecond
        self.burstBytes = burstBytes
        self.burstOperations = burstOperations
    }
}

/// Why a device does not do what was asked.
public enum DeviceControlError: Error, Equatable, Sendable {
    /// It never could; a sentence.
    case notSupported(String)
    /// It does not do this; a sentence that says what it does.
    case invalid(String)
}

/// The balloon, by which a guest gives memory back to the host.
///
/// Called as `DeviceControl` is.
public protocol BalloonControl: AnyObject, Sendable {
    /// Bytes it shall take from the guest.
    var targetBytes: UInt64 { get }
    /// Bytes it holds now.
    var actualBytes: UInt64 { get }
    /// What the guest told last about its memory; empty if it told nothing.
    var statistics: [StatusField] { get }
    /// Sets how much it shall take from the guest, which follows in its own time.
    ///
    /// - Throws: `invalid` if that is more than the guest has.
    func setTarget(bytes: UInt64) throws(DeviceControlError)
}

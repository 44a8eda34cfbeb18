/// What a socket device is made with.
public struct VsockConfiguration: Sendable {
    /// The guest's context identifier.
    public var guestCID: UInt32
    /// The Unix socket where programs of the host connect to the guest.
    public var path: String
    /// Its bounds.
    public var limits = VsockLimits()

    /// With the usual bounds.
    public init(guestCID: UInt32, path: String) {
        self.guestCID = guestCID
        self.path = path
    }
}

/// What bounds a socket device, whatever the guest and the programs of the host do. Times in nanoseconds.
public struct VsockLimits: Sendable {
    /// Streams at a time, those that are being opened or closed among them. More are refused.
    public var streams = 4096
    /// What a stream holds of the guest's for a program of the host that does not read, in bytes. The guest
    /// is told so, and a stream of which more comes is reset.
    public var streamBuffer: UInt32 = 128 << 10
    /// Programs of the host that have not said yet where to. More wait to be accepted.
    public var greetings = 128
    /// How long such a program may take.
    public var greetingTime: UInt64 = 5_000_000_000
    /// How long the guest may take to answer a program's wish.
    public var requestTime: UInt64 = 10_000_000_000
    /// How long a program of the host that has no room for more connections is asked again.
    public var connectTime: UInt64 = 5_000_000_000
    /// How long after its last progress a stream that is being closed stays.
    public var lingerTime: UInt64 = 10_000_000_000
    /// Packets from the guest a turn takes, and packets to it.
    public var batch = 64

    /// The usual ones.
    public init() {}
}

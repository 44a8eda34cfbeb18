internal import JSONText

/// A disk: a file or block device of the host that the guest sees as a virtio block device.
public struct DiskSpec: Equatable, Sendable {
    /// When a write counts as done, and what a flush does.
    public enum Cache: String, CaseIterable, Sendable {
        /// A write is in the host's memory; a guest's flush brings it to the medium.
        case writeback
        /// A write is on the medium when it is done.
        case writethrough
    }

    /// Who carries the requests out.
    public enum Engine: String, CaseIterable, Sendable {
        /// io_uring where the host allows it, else threads.
        case auto
        /// io_uring, or no machine.
        case uring
        /// Threads that read and write.
        case threads
    }

    /// The file's or block device's path, relative to the directory Roost was started in.
    public var path: String
    /// What the disk is called by users and by the guest's `get-id`: see `MachineSpec.deviceIDForm`.
    public var id: String
    /// Whether the guest can only read; the file is then opened so.
    public var isReadOnly = false
    /// Whether the host's page cache is passed by (`O_DIRECT`).
    public var direct = false
    /// When a write counts as done.
    public var cache = Cache.writeback
    /// Who carries the requests out.
    public var engine = Engine.auto
    /// Whether the guest may give blocks back to the host.
    public var discard = true
    /// The entries of the request queue: a power of two, 2 to 1024.
    public var queueSize = 256
    /// The limit of requests; nil for none.
    public var iops: RateLimit?
    /// The limit of bytes read and written; nil for none.
    public var bps: RateLimit?

    /// A disk with everything but its path and id at its default.
    public init(path: String, id: String) {
        self.path = path
        self.id = id
    }

    /// The id of a disk that was given none, by its place from 0.
    public static func defaultID(at index: Int) -> String { "disk\(index)" }
}

extension DiskSpec: KeyedSpec {
    static let mainKey: String? = "path"
    static let keys = [
        DeviceKey("path"), DeviceKey("id"), DeviceKey("readonly", .onOff), DeviceKey("direct", .onOff),
        DeviceKey("cache"), DeviceKey("engine"), DeviceKey("discard", .onOff),
        DeviceKey("queue-size", .number), DeviceKey("iops", .number), DeviceKey("iops-burst", .number),
        DeviceKey("bps"), DeviceKey("bps-burst"),
    ]

    init(reading fields: FieldReader, at index: Int) throws(SpecError) {
        self.init(
            path: try fields.required("path", try fields.string("path")),
            id: try fields.string("id") ?? Self.defaultID(at: index))
        isReadOnly = try fields.boolean("readonly") ?? isReadOnly
        direct = try fields.boolean("direct") ?? direct
        cache = try fields.parsed("cache", allowed: Cache.form) { Cache(rawValue: $0) } ?? cache
        engine = try fields.parsed("engine", allowed: Engine.form) { Engine(rawValue: $0) } ?? engine
        discard = try fields.boolean("discard") ?? discard
        queueSize = try fields.queueSize() ?? queueSize
        iops = try fields.limit("iops", .count)
        bps = try fields.limit("bps", .bytes)
    }

    /// Checks the values alone.
    public func validate() throws(SpecError) {
        try DeviceCheck.path("path", path)
        try DeviceCheck.id(id)
        try DeviceCheck.queueSize(queueSize)
        try iops?.validate("iops", .count)
        try bps?.validate("bps", .bytes)
    }

    var members: [JSONMember] {
        [
            JSONMember("path", .string(path)), JSONMember("id", .string(id)),
            JSONMember("readonly", .boolean(isReadOnly)), JSONMember("direct", .boolean(direct)),
            JSONMember("cache", .string(cache.rawValue)), JSONMember("engine", .string(engine.rawValue)),
            JSONMember("discard", .boolean(discard)), JSONMember("queueSize", JSONValue(queueSize)),
        ] + (iops?.members("iops", .count) ?? []) + (bps?.members("bps", .bytes) ?? [])
    }
}

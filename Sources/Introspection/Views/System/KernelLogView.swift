/// The kernel's log: the lockless ring buffer of Linux 5.10 and later (kernel/printk/printk_ringbuffer.h).
///
/// Three rings belong together: descriptors tell the state of each record and where its text lies, infos hold
/// its time and level, and the text ring the text, which never wraps inside a record.
public struct KernelLogView {
    private let kernel: Kernel
    private let ring: Ring
    private let descriptorSize: Int
    private let infoSize: Int
    private let state: Field
    private let textBegin: Field
    private let textNext: Field
    private let info: Info

    /// Members of `printk_ringbuffer`.
    private struct Ring {
        let pointer: VirtualAddress
        let countBits: Field
        let descriptors: Field
        let infos: Field
        let head: Field
        let tail: Field
        let sizeBits: Field
        let data: Field
    }

    /// Members of `printk_info`.
    private struct Info {
        let sequence: Field
        let time: Field
        let length: Field
        let facility: Field
        let level: Field
        let caller: Field
        let subsystem: Field?
        let device: Field?
    }

    /// The two top bits of a descriptor's state (`enum desc_state`).
    private enum State: UInt64 {
        /// It is being written.
        case reserved
        /// It is written, but may yet be continued.
        case committed
        /// It is whole.
        case finalized
        /// Its text is gone.
        case reusable
    }

    private static let idMask: UInt64 = 1 << 62 - 1
    /// A log of 2 GiB: more than `log_buf_len=` allows.
    private static let longestRing: Int64 = 31

    /// - Throws: `missing` if the kernel has no such log.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        let name = "printk_ringbuffer"
        ring = Ring(
            pointer: try kernel.address(of: "prb"),
            countBits: try types.required("desc_ring.count_bits", of: name),
            descriptors: try types.required("desc_ring.descs", of: name),
            infos: try types.required("desc_ring.infos", of: name),
            head: try types.required("desc_ring.head_id", of: name),
            tail: try types.required("desc_ring.tail_id", of: name),
            sizeBits: try types.required("text_data_ring.size_bits", of: name),
            data: try types.required("text_data_ring.data", of: name))
        descriptorSize = try types.requiredSize(of: "prb_desc")
        infoSize = try types.requiredSize(of: "printk_info")
        state = try types.required("state_var", of: "prb_desc")
        textBegin = try types.required("text_blk_lpos.begin", of: "prb_desc")
        textNext = try types.required("text_blk_lpos.next", of: "prb_desc")
        info = Info(
            sequence: try types.required("seq", of: "printk_info"),
            time: try types.required("ts_nsec", of: "printk_info"),
            length: try types.required("text_len", of: "printk_info"),
            facility: try types.required("facility", of: "printk_info"),
            level: try types.required("level", of: "printk_info"),
            caller: try types.required("caller_id", of: "printk_info"),
            subsystem: types.field("dev_info.subsystem", of: "printk_info"),
            device: types.field("dev_info.device", of: "printk_info"))
    }

    /// All whole records.
    public func read() throws(IntrospectionError) -> [LogRecord] {
        try readAll().records
    }

    /// All whole records, and what is missing between and before them.
    public func readAll() throws(IntrospectionError) -> LogReading {
        try reading { () throws(ReadError) in try walk(after: nil, pastUnfinished: true) }
    }

    /// The records behind one that was read before. It ends before the first that is being written, which
    /// comes with a later call.
    ///
    /// - Parameter sequence: `LogReading.last` of the call before; nil for all.
    public func follow(after sequence: UInt64?) throws(IntrospectionError) -> LogReading {
        try reading { () throws(ReadError) in try walk(after: sequence, pastUnfinished: false) }
    }

    // MARK: The rings

    /// The rings of this moment.
    private struct Rings {
        let countBits: UInt64
        let descriptors: VirtualAddress
        let infos: VirtualAddress
        let head: UInt64
        let tail: UInt64
        let sizeBits: UInt64
        let data: VirtualAddress

        func slot(_ id: UInt64) -> Int { Int(id & (1 << countBits - 1)) }
    }

    private func rings() throws(ReadError) -> Rings {
        let place = try kernel.pointer(at: ring.pointer)
        let countBits = try kernel.value(ring.countBits, at: place)
        let sizeBits = try kernel.value(ring.sizeBits, at: place)
        guard (1...Self.longestRing).contains(countBits), (1...Self.longestRing).contains(sizeBits) else {
            throw .inconsistent("the log has 2^\(countBits) records and 2^\(sizeBits) bytes")
        }
        return Rings(
            countBits: UInt64(countBits), descriptors: try kernel.pointer(ring.descriptors, at: place),
            infos: try kernel.pointer(ring.infos, at: place),
            head: UInt64(bitPattern: try kernel.value(ring.head, at: place)) & Self.idMask,
            tail: UInt64(bitPattern: try kernel.value(ring.tail, at: place)) & Self.idMask,
            sizeBits: UInt64(sizeBits), data: try kernel.pointer(ring.data, at: place))
    }

    private func walk(after: UInt64?, pastUnfinished: Bool) throws(ReadError) -> LogReading {
        let rings = try rings()
        let count = (rings.head &- rings.tail) & Self.idMask + 1
        guard count <= 1 << rings.countBits else {
            throw .inconsistent("the log's first record is \(count) before its last")
        }
        let first = after.map { $0 &+ 1 } ?? 0
        var records: [LogRecord] = []
        var lost: UInt64 = 0
        var unfinished = 0
        var last = after
        // Numbers and ids go up together, so one whole record tells all numbers.
        var numberOfFirst: UInt64?
        var index = try start(of: rings, count: count, after: after)
        let started = index
        while index < count {
            let id = (rings.tail &+ index) & Self.idMask
            let descriptor = rings.descriptors + rings.slot(id) * descriptorSize
            let value = UInt64(bitPattern: try kernel.value(state, at: descriptor))
            let place = rings.infos + rings.slot(id) * infoSize
            let isOurs = value & Self.idMask == id
            switch isOurs ? State(rawValue: value >> 62) ?? .reusable : .reusable {
            case .finalized:
                let number = UInt64(bitPattern: try kernel.value(info.sequence, at: place))
                if numberOfFirst == nil {
                    numberOfFirst = number &- (index - started)
                    // All before it that was wanted is overwritten, but for what is being written.
                    if number > first { lost += number - first - min(UInt64(unfinished), number - first) }
                }
                if number >= first {
                    if let record = try record(rings, descriptor, place, id: id, number: number) {
                        records.append(record)
                    } else {
                        lost += 1
                    }
                    last = number
                }
            case .reserved, .committed:
                unfinished += 1
                if !pastUnfinished { index = count }
            case .reusable:
                // The one before the very first record looks so too; it has no number.
                if let numberOfFirst, numberOfFirst &+ (index - started) >= first { lost += 1 }
            }
            index += 1
        }
        return LogReading(records: records, lost: lost, unfinished: unfinished, last: last)
    }

    /// Where to begin: at the oldest record, or behind one that was read before, if it is still there.
    private func start(of rings: Rings, count: UInt64, after: UInt64?) throws(ReadError) -> UInt64 {
        guard let after else { return 0 }
        // The newest whole record tells where the wanted one must be.
        for back in 0..<min(count, 64) {
            let id = (rings.head &- back) & Self.idMask
            let value = UInt64(
                bitPattern: try kernel.value(state, at: rings.descriptors + rings.slot(id) * descriptorSize))
            guard value & Self.idMask == id, State(rawValue: value >> 62) == .finalized else { continue }
            let number = UInt64(
                bitPattern: try kernel.value(info.sequence, at: rings.infos + rings.slot(id) * infoSize))
            let index = count - 1 - back
            if number <= after { return index }
            return number - after - 1 <= index ? index - (number - after - 1) : 0
        }
        return 0
    }

    /// Nil if its text is gone or was never kept.
    private func record(
        _ rings: Rings, _ descriptor: VirtualAddress, _ place: VirtualAddress, id: UInt64, number: UInt64
    ) throws(ReadError) -> LogRecord? {
        let begin = UInt64(bitPattern: try kernel.value(textBegin, at: descriptor))
        let next = UInt64(bitPattern: try kernel.value(textNext, at: descriptor))
        let length = Int(try kernel.value(info.length, at: place))
        guard let text = try text(rings, begin: begin, next: next, length: length, id: id) else { return nil }
        var device: String?
        if let name = info.device, let subsystem = info.subsystem {
            let parts = try (kernel.text(subsystem, at: place), kernel.text(name, at: place))
            if !parts.1.isEmpty { device = "+\(parts.0):\(parts.1)" }
        }
        return LogRecord(
            sequence: number, time: UInt64(bitPattern: try kernel.value(info.time, at: place)),
            facility: UInt8(truncatingIfNeeded: try kernel.value(info.facility, at: place)),
            level: UInt8(truncatingIfNeeded: try kernel.value(info.level, at: place)),
            caller: LogRecord.Caller(
                rawValue: UInt32(truncatingIfNeeded: try kernel.value(info.caller, at: place))),
            device: device, text: text)
    }

    /// A block of the text ring begins with its record's id. Positions only go up; the ring's bits of them
    /// are the place, and the others count the turns.
    private func text(
        _ rings: Rings, begin: UInt64, next: UInt64, length: Int, id: UInt64
    ) throws(ReadError) -> String? {
        // Odd positions say that there is no block: 1 that the text did not fit, 3 that it is empty.
        if begin & 1 == 1, next & 1 == 1 { return begin == 3 ? "" : nil }
        let mask: UInt64 = 1 << rings.sizeBits - 1
        let turn = { (position: UInt64) in position >> rings.sizeBits }
        var offset = begin & mask
        let size: UInt64
        if turn(begin) == turn(next &- 1), next > begin {
            size = next - begin
        } else if turn(begin &+ mask &+ 1) == turn(next &- 1) {
            // It did not fit before the end, so it lies at the beginning.
            offset = 0
            size = next & mask
        } else {
            return nil
        }
        guard size >= 8, offset + size <= mask + 1 else { return nil }
        let block = rings.data + Int(offset)
        guard try kernel.load(UInt64.self, at: block) & Self.idMask == id else { return nil }
        let bytes = try kernel.bytes(at: block + 8, count: max(0, min(length, Int(size) - 8)))
        return String(decoding: bytes, as: UTF8.self)
    }
}

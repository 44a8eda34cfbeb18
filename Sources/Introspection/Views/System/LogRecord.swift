/// One record of the kernel's log, as `dmesg` shows it.
public struct LogRecord: ViewRow {
    /// Who wrote it.
    public enum Caller: Equatable, Sendable, CustomStringConvertible {
        /// A task, by its number.
        case task(UInt32)
        /// An interrupt or the like on this processor.
        case processor(UInt32)

        /// The kernel keeps both in 32 bits (kernel/printk/printk.c, `printk_caller_id`).
        init(rawValue: UInt32) {
            self = rawValue >> 31 == 1 ? .processor(rawValue & 0x7FFF_FFFF) : .task(rawValue)
        }

        /// As the kernel prints it with CONFIG_PRINTK_CALLER: `T1`, `C0`.
        public var description: String {
            switch self {
            case .task(let number): "T\(number)"
            case .processor(let number): "C\(number)"
            }
        }
    }

    /// Its number since the start: 0 is the first.
    public let sequence: UInt64
    /// When it was written, in nanoseconds of the guest's scheduler clock, which begins about at its start.
    public let time: UInt64
    /// syslog(3)'s facility: 0 is the kernel, 1 a program that wrote to /dev/kmsg, 3 a daemon.
    public let facility: UInt8
    /// syslog(3)'s level: 0 emergency to 7 debug.
    public let level: UInt8
    /// Who wrote it.
    public let caller: Caller
    /// The device it is about, such as `+virtio:virtio0`; nil if it is about none.
    public let device: String?
    /// The text, without what `dmesg` puts before it. It may have several lines.
    public let text: String

    /// syslog(3)'s names of the levels.
    public static let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]

    /// As `dmesg` prints it: seconds since the start, and the text.
    public var line: String {
        let seconds = String(time / 1_000_000_000)
        let micros = String(time % 1_000_000_000 / 1000)
        let padding = String(repeating: " ", count: max(0, 5 - seconds.utf8.count))
        let zeros = String(repeating: "0", count: max(0, 6 - micros.utf8.count))
        return "[\(padding)\(seconds).\(zeros)\(micros)] \(text)"
    }

    /// The columns, in the order of `cells`.
    public static var columns: [ViewColumn] {
        [
            ViewColumn("SEQ", "sequence", isNumber: true), ViewColumn("TIME", "time", isNumber: true),
            ViewColumn("LEVEL", "level"), ViewColumn("FACILITY", "facility", isNumber: true),
            ViewColumn("CALLER", "caller"), ViewColumn("", "device"), ViewColumn("TEXT", "text"),
        ]
    }

    /// The values.
    public var cells: [ViewValue] {
        [
            .number(Int64(clamping: sequence)), .duration(time), .text(Self.levels[Int(level & 7)]),
            .number(Int64(facility)), .text(caller.description), device.map { .text($0) } ?? .none,
            .text(text),
        ]
    }

    /// The sequence number.
    public var identity: UInt64 { sequence }
    /// What a second look must find again.
    public var settled: String { text }
}

/// What a look at the log found.
public struct LogReading: Equatable, Sendable {
    /// The records by ascending number.
    public let records: [LogRecord]
    /// How many records are gone: overwritten before they were read, or without their text.
    public let lost: UInt64
    /// How many records were being written and are left out.
    public let unfinished: Int
    /// The number to give `follow` next: all records up to it were read or are lost. Nil before the first.
    public let last: UInt64?
}

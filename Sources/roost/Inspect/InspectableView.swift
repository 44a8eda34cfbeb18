internal import Introspection
internal import JSONText
internal import Specification

/// A view of `Introspection` as the command shows it.
protocol InspectableView {
    /// It is about the virtual CPUs' registers, which are of one moment only if the machine stands still.
    var needsRegisters: Bool { get }

    /// Reads and presents it.
    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look
}

extension InspectableView {
    var needsRegisters: Bool { false }
}

/// A list of rows, or one row shown as a record.
struct ListView<Row: ViewRow>: InspectableView {
    private let isRecord: Bool
    private let read: () throws(IntrospectionError) -> [Row]

    init(isRecord: Bool = false, read: @escaping () throws(IntrospectionError) -> [Row]) {
        self.isRecord = isRecord
        self.read = read
    }

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        let observation = try Observation(of: kernel, isPaused: isStill, read: read)
        return Look(ViewReport(observation), asRecord: isRecord)
    }
}

/// The kernel's log, as `dmesg` prints it.
struct LogView: InspectableView {
    let log: KernelLogView

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        let observation = try Observation(of: kernel, isPaused: isStill, read: log.read)
        let report = ViewReport(observation)
        return Look(lines: observation.rows.flatMap { Self.lines($0.row) }, rows: report.json)
    }

    /// A record as `dmesg` prints it: each line behind the time.
    static func lines(_ record: LogRecord) -> [String] {
        let microseconds = record.time / 1000
        let fraction = "\(microseconds % 1_000_000)"
        let seconds = "\(microseconds / 1_000_000)"
        let time =
            "[" + String(repeating: " ", count: max(0, 5 - seconds.count)) + seconds + "."
            + String(repeating: "0", count: 6 - fraction.count) + fraction + "] "
        return record.text.split(separator: "\n", omittingEmptySubsequences: false).map {
            time + Outcome.printable(String($0))
        }
    }
}

/// Text that is the same for people and programs: a declaration.
struct TextView: InspectableView {
    let read: () throws(IntrospectionError) -> [String]

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        let lines = try read()
        // Columns are indented by tabs.
        let shown = lines.map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map { Outcome.printable(String($0)) }
                .joined(separator: "\t")
        }
        return Look(lines: shown, rows: .array(lines.map { .string($0) }))
    }
}

/// Bytes of memory.
struct DumpView: InspectableView {
    let read: () throws(IntrospectionError) -> HexDump

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        kernel.refresh()
        let dump = try read()
        let digits = dump.bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        let row: JSONValue = [
            "address": .string("0x" + String(dump.address, radix: 16)), "bytes": .string(digits.joined()),
        ]
        return Look(lines: dump.lines, rows: [row])
    }
}

/// The registers, a block for each virtual CPU.
struct RegistersLook: InspectableView {
    let view: RegistersView
    var needsRegisters: Bool { true }

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        guard !registers.isEmpty else { throw .notFound("the dump does not tell the registers") }
        let observation = try Observation(of: kernel, isPaused: true) { () throws(IntrospectionError) in
            view.read(registers)
        }
        let report = ViewReport(observation)
        return Look(lines: report.records(), rows: report.json)
    }
}

/// The kernel's stacks.
struct StacksLook: InspectableView {
    let view: BacktraceView
    let task: Int32?
    var needsRegisters: Bool { true }

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        kernel.refresh()
        if let task {
            let frames = try view.read(task: task, registers)
            return Self.look([("task \(task)", ["task": JSONValue(task)], frames)])
        }
        guard !registers.isEmpty else {
            throw .notFound("the dump does not tell the registers; give a task's number")
        }
        return Self.look(
            registers.enumerated().map { number, registers in
                ("CPU \(number)", ["cpu": JSONValue(number)], view.read(processor: number, registers))
            })
    }

    private static func look(_ stacks: [(String, JSONValue, [StackFrameRow])]) -> Look {
        var lines: [String] = []
        var rows: [JSONValue] = []
        for (title, head, frames) in stacks {
            let report = ViewReport(rows: frames)
            lines += ["\(title):"] + report.lines(asRecord: false).map { "  \($0)" }
            if case .object(let members) = head {
                rows.append(.object(members + [JSONMember("frames", report.json)]))
            }
        }
        return Look(lines: lines, rows: .array(rows))
    }
}

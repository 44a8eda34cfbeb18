internal import Introspection
internal import JSONText
internal import Specification

/// A view as a command shows it: a table for people, JSON for programs.
struct ViewReport {
    /// What the columns are called.
    let columns: [ViewColumn]
    /// The rows' values, and whether each row is doubtful.
    let rows: [(cells: [ViewValue], isUncertain: Bool)]

    /// A list.
    init<Row: ViewRow>(_ observation: Observation<Row>) {
        columns = Row.columns
        rows = observation.rows.map { ($0.row.cells, $0.isUncertain) }
    }

    /// Rows that nothing is doubtful about.
    init<Row: ViewRow>(rows: [Row]) {
        columns = Row.columns
        self.rows = rows.map { ($0.cells, false) }
    }

    // MARK: For people

    /// A line for each value of each row, an empty one between rows.
    func records() -> [String] {
        var lines: [String] = []
        for row in rows {
            if !lines.isEmpty { lines.append("") }
            var table = TextTable([])
            for (column, cell) in zip(columns, row.cells) where !column.title.isEmpty {
                table.add([column.title + ":", Self.text(cell)])
            }
            lines += table.lines.dropFirst()
        }
        return lines
    }

    /// A table; of one row, a line for each value.
    func lines(asRecord: Bool) -> [String] {
        var lines: [String]
        if asRecord {
            lines = records()
        } else {
            let shown = columns.indices.filter { !columns[$0].title.isEmpty }
            let cells = rows.map { row in shown.map { Self.text(row.cells[$0]) } }
            // Numbers keep to the right: filled up before the table sees them.
            let widths = shown.enumerated().map { place, column in
                max(columns[column].title.count, cells.map { $0[place].count }.max() ?? 0)
            }
            func aligned(_ texts: [String]) -> [String] {
                texts.enumerated().map { place, text in
                    columns[shown[place]].isNumber
                        ? String(repeating: " ", count: widths[place] - text.count) + text : text
                }
            }
            let hasDoubts = rows.contains(where: \.isUncertain)
            var table = TextTable(aligned(shown.map { columns[$0].title }) + (hasDoubts ? [""] : []))
            for (row, texts) in zip(rows, cells) {
                table.add(aligned(texts) + (row.isUncertain ? ["(changing)"] : []))
            }
            lines = table.lines
        }
        return lines
    }

    private static func text(_ value: ViewValue) -> String {
        switch value {
        case .none: "-"
        case .text(let text): text.isEmpty ? "-" : Outcome.printable(text)
        case .number(let number): "\(number)"
        case .size(let bytes): size(bytes)
        case .address(let address): "0x" + String(address, radix: 16)
        case .duration(let nanoseconds): seconds(nanoseconds)
        case .moment(let nanoseconds): moment(seconds: nanoseconds / 1_000_000_000)
        case .flag(let flag): flag ? "yes" : "no"
        case .list(let values): values.isEmpty ? "-" : values.map(text).joined(separator: ",")
        case .record(let fields): fields.map { "\($0.name)=\(text($0.value))" }.joined(separator: " ")
        }
    }

    /// `12.34` seconds.
    private static func seconds(_ nanoseconds: UInt64) -> String {
        let hundredths = nanoseconds / 10_000_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// `2026-11-21 20:47:33 UTC`.
    private static func moment(seconds: UInt64) -> String {
        func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + "\(number)" }
        // Days since the 1st of March of the year 0, in eras of 400 years (the proleptic Gregorian calendar).
        let days = seconds / 86_400 + 719_468
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = days / 146_097 * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let time = seconds % 86_400
        return
            "\(year)-\(two(month))-\(two(day)) \(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) UTC"
    }

    /// Whole KiB as the kernel has them, else bytes.
    private static func size(_ bytes: UInt64) -> String {
        switch bytes {
        case ..<1024: "\(bytes)"
        case ..<(10 << 20): "\(bytes >> 10)K"
        case ..<(10 << 30): "\(bytes >> 20)M"
        default: "\(bytes >> 30)G"
        }
    }

    // MARK: For programs

    /// The rows as objects; a doubtful one has `uncertain`.
    var json: JSONValue {
        .array(
            rows.map { row in
                var members = zip(columns, row.cells).map { JSONMember($0.key, Self.json($1)) }
                if row.isUncertain { members.append(JSONMember("uncertain", true)) }
                return .object(members)
            })
    }

    private static func json(_ value: ViewValue) -> JSONValue {
        switch value {
        case .none: .null
        case .text(let text): .string(text)
        case .number(let number): JSONValue(number)
        case .size(let bytes): JSONValue(bytes)
        case .address(let address): .string("0x" + String(address, radix: 16))
        case .duration(let nanoseconds): JSONValue(nanoseconds)
        case .moment(let nanoseconds): JSONValue(nanoseconds)
        case .flag(let flag): .boolean(flag)
        case .list(let values): .array(values.map(json))
        case .record(let fields): .object(fields.map { JSONMember($0.name, json($0.value)) })
        }
    }
}

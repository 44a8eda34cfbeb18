import Introspection
import MachineTesting

/// All views of a kernel as they were read.
struct ReadViews {
    private(set) var rows: [String: [ViewCells]] = [:]
    private(set) var failures: [String: String] = [:]

    init(_ kernel: Kernel, _ registers: [ProcessorRegisters], processes: [Int]) {
        var rows: [String: [ViewCells]] = [:]
        var failures: [String: String] = [:]
        AllViews(kernel: kernel, registers: registers, processes: processes.map { Int32($0) }) {
            name, result in
            switch result {
            case .success(let fields):
                rows[name] = fields.map { row in
                    Dictionary(
                        row.map { ($0.name, ViewCell($0.value)) }, uniquingKeysWith: { first, _ in first })
                }
            case .failure(let error): failures[name] = "\(error)"
            }
        }.read()
        self.rows = rows
        self.failures = failures
    }

    /// A view's rows; an error if it could not be read.
    func callAsFunction(_ view: String) throws -> [ViewCells] {
        guard let rows = rows[view] else { throw TestFailure("\(view): \(failures[view] ?? "was not read")") }
        return rows
    }

    /// All that is not the same, but for what tells how the kernel was found.
    func differences(from other: ReadViews) -> [String] {
        var differences: [String] = []
        for name in Set(rows.keys).union(other.rows.keys).union(failures.keys).union(other.failures.keys)
            .sorted()
        {
            var (mine, theirs) = (rows[name], other.rows[name])
            for index in mine?.indices ?? 0..<0 { mine?[index]["profileNew"] = nil }
            for index in theirs?.indices ?? 0..<0 { theirs?[index]["profileNew"] = nil }
            if mine != theirs || failures[name] != other.failures[name] {
                differences.append(
                    "\(name): \(failures[name] ?? "rows"), \(other.failures[name] ?? "other rows")")
            }
        }
        return differences
    }
}

extension ViewCell {
    /// As JSON has it.
    init(_ value: ViewValue) {
        switch value {
        case .none: self = .none
        case .text(let text): self = .text(text)
        case .number(let number): self = .number(number)
        case .size(let bytes): self = .number(Int64(clamping: bytes))
        case .address(let address): self = .text("0x" + String(address, radix: 16))
        case .duration(let nanoseconds), .moment(let nanoseconds):
            self = .number(Int64(clamping: nanoseconds))
        case .flag(let flag): self = .flag(flag)
        case .list(let values): self = .list(values.map { ViewCell($0) })
        case .record(let fields):
            self = .record(
                Dictionary(
                    fields.map { ($0.name, ViewCell($0.value)) }, uniquingKeysWith: { first, _ in first }))
        }
    }
}

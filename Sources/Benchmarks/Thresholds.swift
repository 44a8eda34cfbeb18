internal import Glibc
internal import HostSystem
internal import JSONText

/// Compares figures with those on record: `--thresholds FILE --figures FILE`.
struct Thresholds {
    /// A Roost figure may be so much worse than the one on record.
    private static let tolerance = 0.01

    static func check(_ options: Options) throws {
        guard let record = options.text("thresholds"), let measured = options.text("figures") else {
            throw BenchmarkError.usage("check needs --thresholds FILE and --figures FILE")
        }
        let recorded = try Figures(json(record))
        let found = try Figures(json(measured))
        var table = Table(["figure", "recorded", "now", "change", ""])
        var regressions: [String] = []
        var improvements = 0
        for (name, old) in recorded.all {
            guard let new = found[name] else {
                regressions.append("\(name) was not measured")
                continue
            }
            let expected = old * drift(of: name, from: recorded, to: found)
            let change = expected == 0 ? (new == 0 ? 0 : .infinity) : new / expected - 1
            var verdict = ""
            if name.contains(".\(Contestant.worker).") {
                if change > tolerance {
                    verdict = "WORSE"
                    regressions.append("\(name): \(old.fixed(3)) -> \(new.fixed(3))")
                } else if change < -tolerance {
                    verdict = "better"
                    improvements += 1
                }
            }
            table.add([name, old.fixed(3), new.fixed(3), "\((change * 100).fixed(2)) %", verdict])
        }
        print(table.text)
        if improvements > 0 {
            print(
                "  \(improvements) better by more than 1 %: record them with `scripts/bench exact --record`")
        }
        guard regressions.isEmpty else {
            throw BenchmarkError.regression(
                "worse than on record by more than 1 %:\n  " + regressions.joined(separator: "\n  "))
        }
    }

    /// How much the minimal C program's figure has changed since the record: by nothing, unless the lab's
    /// kernel or QEMU is another one. Roost is then held to what that costs everybody.
    private static func drift(of name: String, from recorded: Figures, to found: Figures) -> Double {
        let rawName = name.split(separator: ".").map { $0 == Contestant.worker ? "raw" : $0 }.joined(
            separator: ".")
        guard rawName != name, let old = recorded[rawName], let new = found[rawName], old > 0 else {
            return 1
        }
        return new / old
    }

    private static func json(_ path: String) throws -> JSONValue {
        let file = try OwnedDescriptor.open(path, O_RDONLY)
        return try JSONValue(text: try DescriptorIO.readAll(file.number, limit: 1 << 20))
    }
}

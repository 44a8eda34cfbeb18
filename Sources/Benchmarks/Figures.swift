internal import HostSystem
internal import JSONText

/// What a benchmark has found: named numbers (lower is better, but for rates and their ratios), and whether the goals are met.
struct Figures {
    private(set) var all: [(name: String, value: Double)] = []
    private(set) var missedGoals = 0

    mutating func add(_ name: String, _ value: Double) {
        guard value.isFinite else { return }
        all.append((name, value))
    }

    /// Prints a goal of docs/specification.md beside what was measured.
    mutating func judge(_ goal: String, _ value: Double, atMost limit: Double, places: Int, _ unit: String) {
        guard value.isFinite else { return }
        judge(goal, isMet: value <= limit, "\(value.fixed(places)) \(unit), at most \(limit.fixed(places))")
    }

    mutating func judge(_ goal: String, isMet: Bool, _ measured: String) {
        if !isMet { missedGoals += 1 }
        print("  \(isMet ? "met   " : "MISSED") \(goal): \(measured)")
    }

    var json: JSONValue {
        // Three decimals: microseconds of a millisecond.
        .object(all.map { JSONMember($0.name, .number(($0.value * 1000).rounded() / 1000)) })
    }

    init() {}

    /// The figures of an object of numbers.
    init(_ json: JSONValue) throws(BenchmarkError) {
        guard case .object(let members) = json else {
            throw .usage("the figures are \(json.kind), not an object")
        }
        for member in members {
            switch member.value {
            case .number(let value): add(member.key, value)
            case .integer(let value): add(member.key, Double(value))
            default: throw .usage("the figure \(member.key) is \(member.value.kind), not a number")
            }
        }
    }

    subscript(name: String) -> Double? { all.first { $0.name == name }?.value }
}

internal import JSONText

/// One look at a guest.
struct Look {
    /// For people.
    var lines: [String]
    /// For programs.
    let rows: JSONValue
    /// How long the machine stood still for it; 0 if it did not.
    var pausedNanoseconds: UInt64 = 0
    /// How it was taken.
    var moment = Moment.live

    /// What a guest did while it was looked at.
    enum Moment: String {
        /// It ran on.
        case live
        /// It stood still.
        case paused
        /// It is a dump.
        case dump
    }

    init(lines: [String], rows: JSONValue) {
        self.lines = lines
        self.rows = rows
    }

    init(_ report: ViewReport, asRecord: Bool = false) {
        self.init(lines: report.lines(asRecord: asRecord), rows: report.json)
    }

    /// All of it as a program reads it.
    func json(of name: String, view: InspectView) -> JSONValue {
        [
            "version": 1,
            "name": .string(name),
            "view": .string(view.rawValue),
            "moment": .string(moment.rawValue),
            "pausedNanoseconds": JSONValue(pausedNanoseconds),
            "rows": rows,
        ]
    }
}

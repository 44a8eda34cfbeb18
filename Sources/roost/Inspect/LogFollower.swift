internal import Glibc
internal import Introspection
internal import JSONText

/// Prints a guest's log and goes on with what is new, until the machine ends or somebody interrupts it.
struct LogFollower {
    private let kernel: Kernel
    private let log: KernelLogView
    private let name: String
    private let isJSON: Bool
    /// Between two looks: soon enough for people, and next to no work.
    private static let intervalMicroseconds: UInt32 = 100_000

    init(_ kernel: Kernel, of name: String, asJSON isJSON: Bool) throws(CommandFailure) {
        self.kernel = kernel
        self.name = name
        self.isJSON = isJSON
        do {
            log = try KernelLogView(kernel)
        } catch {
            throw CommandFailure(error, of: name)
        }
    }

    func run() throws(CommandFailure) {
        var last: UInt64?
        while true {
            switch look(after: last) {
            case .success(let records):
                for record in records { try write(record) }
                last = records.last?.sequence ?? last
            case .failure(.read(.ended)): return
            // The log moved on under it; the next look may see it whole.
            case .failure(.read(.inconsistent)): break
            case .failure(let error): throw CommandFailure(error, of: name)
            }
            usleep(Self.intervalMicroseconds)
        }
    }

    /// What is new. Of two looks, what they find alike: it was not being overwritten in the first.
    private func look(after last: UInt64?) -> Result<[LogRecord], IntrospectionError> {
        do throws(IntrospectionError) {
            kernel.refresh()
            let first = try log.follow(after: last).records
            kernel.refresh()
            let second = try log.follow(after: last).records
            return .success(zip(first, second).prefix { $0 == $1 }.map(\.0))
        } catch {
            return .failure(error)
        }
    }

    private func write(_ record: LogRecord) throws(CommandFailure) {
        guard isJSON else {
            for line in LogView.lines(record) { try StandardOutput.write(line) }
            return
        }
        // A line for each record.
        guard case .array(let rows) = ViewReport(rows: [record]).json, let row = rows.first else {
            return
        }
        try StandardOutput.write(row.text(.compact))
    }
}

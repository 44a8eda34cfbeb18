internal import ArgumentParser
internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import JSONText
internal import Specification
internal import Stats

/// `roost stats`.
struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Tells what a running machine does: exits, times, memory, devices, KVM's own numbers.",
        discussion: """
            It reads the machine's stats page (docs/stats-page.md) and /proc; the machine itself does not \
            notice, however often it is read. With --watch, counters are shown with their rate a second, \
            and --json prints one line each time.

            EXAMPLES
              roost stats web1
              roost stats web1 --watch 1s
              roost stats web1 --json
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @Option(
        help: .init(
            "Again each time so much time has passed, until interrupted: 500ms, 1s, 2m.", valueName: "TIME"),
        transform: { try Wording.parse($0, WatchInterval.form) { WatchInterval($0) } })
    var watch: WatchInterval?

    @OptionGroup var place: Place

    func run() throws {
        let page = try place.directory.running(machine).file(RunFiles.stats)
        var observer = try open(page)
        var last: MachineObservation?
        while true {
            let observation: MachineObservation
            do {
                observation = try observer.observe()
            } catch  where last != nil && error.isEnd {
                return
            } catch {
                throw failure(error, page)
            }
            let report = StatsReport(name: machine, now: observation, before: last)
            if json {
                try StandardOutput.write(report.json.text(watch == nil ? .pretty : .compact))
            } else {
                try StandardOutput.write(report.text(clearing: watch != nil && isatty(STDOUT_FILENO) == 1))
            }
            guard let watch else { return }
            last = observation
            watch.sleep()
        }
    }

    private func open(_ page: String) throws(CommandFailure) -> MachineObserver {
        do {
            return try MachineObserver(page: page)
        } catch {
            throw failure(error, page)
        }
    }

    /// The one line for a user whose machine runs and cannot be observed.
    private func failure(_ error: ObservationError, _ page: String) -> CommandFailure {
        switch error {
        case .page(.file(let error)):
            CommandFailure(error.isPermission ? .noPermission : .noInput, error)
        case .page(.notReady):
            CommandFailure(.tempFail, "the machine \(machine) is only being made; try again")
        case .page:
            CommandFailure(.dataError, "\(page) cannot be used: \(error)")
        case .stale:
            CommandFailure(.noInput, "the machine \(machine) is not running: \(error)")
        }
    }
}

extension ObservationError {
    /// Whether a machine that was there is gone.
    fileprivate var isEnd: Bool {
        switch self {
        case .stale: true
        case .page(.file(let error)): error.number == ENOENT || error.number == ESRCH
        case .page: false
        }
    }
}

/// How long `--watch` waits.
struct WatchInterval {
    static let form = "a time from 10ms to 24h such as 500ms, 1s or 2m"
    private let nanoseconds: UInt64

    init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: UInt64] = [
            "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        ]
        guard let number = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))] else {
            return nil
        }
        let product = number.multipliedReportingOverflow(by: unit)
        guard !product.overflow, (10_000_000...86_400_000_000_000).contains(product.partialValue) else {
            return nil
        }
        nanoseconds = product.partialValue
    }

    func sleep() {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // SAFETY: both structures are ours. A signal that does not end the process only shortens the wait.
        unsafe nanosleep(&time, nil)
    }
}

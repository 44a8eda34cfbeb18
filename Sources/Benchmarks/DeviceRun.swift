internal import Glibc
internal import HostSystem

/// In what way a contestant is started.
struct DeviceSetting {
    /// Behind the contestant's name, in tables and figures.
    var suffix = ""
    let devices: [WorkloadDevice]
    /// Whether the guest's memory is to be backed with huge pages. QEMU asks for them anyway, so this is for Roost only.
    var hasHugePages = false
}

/// A contestant in one of its settings.
struct DeviceContestant {
    let name: String
    let contestant: Contestant
    let setting: DeviceSetting

    /// Roost as people start it, and QEMU's microvm, each in every setting given.
    static func all(
        _ options: Options, _ settings: [DeviceSetting]
    ) throws(BenchmarkError) -> [DeviceContestant] {
        let others = [Contestant.baseline, "raw-no-irqchip", Contestant.worker, "qemu-options-off"]
        return try Contestant.all(options).filter { !others.contains($0.name) }.flatMap { program in
            settings.filter { !$0.hasHugePages || program.name.hasPrefix("roost") }.map { setting in
                DeviceContestant(name: program.name + setting.suffix, contestant: program, setting: setting)
            }
        }
    }

    var isRoost: Bool { name.hasPrefix("roost") }
}

/// What a guest printed in its result line, `WORD WORD key=value …`, and what the process took meanwhile.
struct DeviceResult {
    private let values: [Substring: Substring]
    /// User and system time of all threads of the process, the guest's own instructions among them.
    let cpuMilliseconds: Double

    init(line: String, cpuMilliseconds: Double) {
        let pairs = line.split(separator: " ").compactMap { word -> (Substring, Substring)? in
            let parts = word.split(separator: "=", maxSplits: 1)
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        values = Dictionary(pairs) { _, last in last }
        self.cpuMilliseconds = cpuMilliseconds
    }

    /// A number of the result line, not a number if it has none of that name.
    subscript(key: Substring) -> Double { values[key].flatMap { Double(String($0)) } ?? .nan }
}

/// Runs one guest in one contestant.
struct DeviceRun: ~Copyable {
    private let contestant: DeviceContestant
    private var process: ChildProcess
    private var watch = OutputWatch()
    let machineName: String

    init(_ contestant: DeviceContestant, guest: String, _ arguments: String, memoryMiB: Int, number: Int)
        throws
    {
        var work = Workload(kernel: guest, memoryMiB: memoryMiB)
        work.commandLine = arguments
        work.devices = contestant.setting.devices
        work.hasHugePages = contestant.setting.hasHugePages
        machineName = Contestant.machineName(number)
        self.contestant = contestant
        process = try ChildProcess(contestant.contestant.command(work, machineName))
    }

    /// The process's CPU time so far.
    var cpuMilliseconds: Double { process.cpuMilliseconds }

    /// Resident memory now, in MiB.
    func residentMiB() throws -> Double {
        let file = try OwnedDescriptor.open("/proc/\(process.identifier)/statm", O_RDONLY)
        let text = String(decoding: try DescriptorIO.readAll(file.number, limit: 4096), as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Double(String(fields[1])) else {
            throw BenchmarkError.unavailable("/proc/\(process.identifier)/statm says \(text)")
        }
        return pages * 4096 / Double(1 << 20)
    }

    /// Waits for a line that begins so.
    mutating func line(_ words: String) throws -> String {
        guard let line = try watch.line(startingWith: words, of: process) else {
            let end = try process.reap()
            let error = BenchmarkError.contestant(
                contestant.name,
                "ended with status \(end.status) before it printed '\(words)'; its last line: \(watch.lastLine)"
            )
            // QEMU has one status for everything; what it cannot open ends it before the guest's first word.
            let isDiskInUse = contestant.isRoost ? end.status == TryAgain.status : watch.text.isEmpty
            if isDiskInUse { throw TryAgain(cause: error) }
            throw error
        }
        return line
    }

    /// Waits for the line, and gives what happened since the CPU time was that.
    mutating func result(_ words: String, since cpu: Double) throws -> DeviceResult {
        let line = try line(words)
        return DeviceResult(line: line, cpuMilliseconds: process.cpuMilliseconds - cpu)
    }

    /// Waits for the end, which must be a good one.
    mutating func finish() throws {
        try watch.rest(of: process)
        let end = try process.reap()
        guard contestant.contestant.isSuccess(end.status) else {
            throw BenchmarkError.contestant(
                contestant.name, "ended with status \(end.status); its last line: \(watch.lastLine)")
        }
    }
}

/// What a run could not do this time but might a moment later (EX_TEMPFAIL): the kernel lets go of a disk that was
/// used by io_uring only some time after the process's end.
struct TryAgain: Error {
    static let status: Int32 = 75
    let cause: BenchmarkError
}

/// Rounds in which every contestant has its turn. One that fails in its first takes no further part: it may lack
/// the device.
struct DeviceRounds {
    private(set) var contestants: [DeviceContestant]
    private(set) var results: [[DeviceResult]]

    init(_ contestants: [DeviceContestant]) {
        self.contestants = contestants
        results = contestants.map { _ in [] }
    }

    mutating func run(_ rounds: Int, _ measure: (DeviceContestant) throws -> DeviceResult) throws {
        for round in 0..<rounds {
            var index = 0
            while index < contestants.count {
                do {
                    results[index].append(try patiently { try measure(contestants[index]) })
                    index += 1
                } catch let error as BenchmarkError where round == 0 {
                    print("  (\(contestants[index].name) is left out: \(error))")
                    contestants.remove(at: index)
                    results.remove(at: index)
                }
            }
        }
    }

    /// Five tries, a tenth of a second apart.
    private func patiently(_ measure: () throws -> DeviceResult) throws -> DeviceResult {
        for attempt in 1... {
            do {
                return try measure()
            } catch let again as TryAgain {
                guard attempt < 5 else { throw again.cause }
                usleep(100_000)
            }
        }
        preconditionFailure("the last try returns or throws")
    }

    /// The median of a quantity over all rounds.
    func median(_ index: Int, _ quantity: (DeviceResult) -> Double) -> Double {
        var sample = Sample()
        for result in results[index] { sample.add(quantity(result)) }
        return sample.median
    }

    func extremes(_ index: Int, _ quantity: (DeviceResult) -> Double) -> (least: Double, most: Double) {
        let values = results[index].map(quantity)
        return (values.min() ?? .nan, values.max() ?? .nan)
    }

    /// Of those of one family the one with the most, or with the least.
    func best(isRoost: Bool, isMost: Bool, _ quantity: (DeviceResult) -> Double) -> Double? {
        let values = contestants.indices.filter { contestants[$0].isRoost == isRoost }.map {
            median($0, quantity)
        }
        return isMost ? values.max() : values.min()
    }

    /// Prints how Roost's best compares with QEMU's best, and keeps it as a figure.
    func compare(
        _ what: String, _ name: String, isMost: Bool, _ figures: inout Figures,
        _ quantity: (DeviceResult) -> Double
    ) {
        guard let roost = best(isRoost: true, isMost: isMost, quantity),
            let qemu = best(isRoost: false, isMost: isMost, quantity), qemu > 0
        else { return }
        print("  \(what), Roost to QEMU, each at its best: \((roost / qemu).fixed(3))")
        figures.add(name, roost / qemu)
    }
}

internal import Stats

/// What `roost stats` tells about a machine, for people; `StatsReport+JSON.swift` has it for programs.
struct StatsReport {
    let name: String
    let now: MachineObservation
    /// The observation before, if rates are wanted.
    let before: MachineObservation?

    /// Seconds between the two observations.
    private var interval: Double? {
        guard let before, now.page.readTime > before.page.readTime else { return nil }
        return Double(now.page.readTime - before.page.readTime) / 1e9
    }

    /// How much a counter grew a second since the observation before; nil where nothing can be said.
    func rate(_ value: UInt64, _ old: UInt64?) -> Double? {
        guard let interval, let old, value >= old else { return nil }
        return Double(value - old) / interval
    }

    /// Sections that have no part of their own in the report.
    var otherSections: [StatsSectionSnapshot] {
        now.page.sections.filter { section in
            section.name != MachineShape.section
                && !now.processors.contains { ProcessorShape.section($0.number) == section.name }
        }
    }

    /// The observation before of a virtual CPU.
    func before(_ processor: MachineObservation.Processor) -> MachineObservation.Processor? {
        before?.processors.first { $0.number == processor.number && $0.thread == processor.thread }
    }

    /// A few tables.
    ///
    /// - Parameter clearing: whether a terminal's screen is cleared first.
    func text(clearing: Bool) -> String {
        var lines = ["machine \(name), process \(now.page.process), for \(Amount.time(now.elapsed))", ""]
        lines += memoryTable.lines + [""]
        lines += processorTable.lines + [""]
        lines += exitTable.lines
        for section in otherSections {
            lines += [""] + table(of: section).lines
        }
        if let kernel = now.kernel { lines += [""] + table("kvm", [(kernel, before?.kernel)]).lines }
        let kernels = now.processors.compactMap { processor in
            processor.kernel.map { ($0, before(processor)?.kernel) }
        }
        if !kernels.isEmpty { lines += [""] + table("kvm, virtual CPUs together", kernels).lines }
        if !now.remarks.isEmpty { lines += [""] + now.remarks.map { "note: \($0)" } }
        return (clearing ? "\u{1B}[H\u{1B}[2J" : "") + lines.joined(separator: "\n") + "\n"
    }

    private var memoryTable: TextTable {
        let memory = now.memory
        var table = TextTable(["memory", "size", ""])
        let rows: [(String, UInt64?, String)] = [
            ("configured", memory.configured, "what the guest was given"),
            ("resident", memory.resident, "of it held by this host"),
            ("ballooned", memory.ballooned, "of it held by the balloon"),
            ("monitor", memory.monitor, "the process's own, shared pages included"),
        ]
        for (name, size, meaning) in rows {
            table.add([name, size.map(Amount.size) ?? "unknown", meaning])
        }
        return table
    }

    private var processorTable: TextTable {
        var table = TextTable(["virtual CPU", "thread", "run", "ready", "wait"])
        for processor in now.processors {
            let old = before(processor)?.times
            let cells = [processor.times?.run, processor.times?.ready, processor.times?.wait]
            let olds = [old?.run, old?.ready, old?.wait]
            table.add(
                [ProcessorShape.section(processor.number), processor.thread.map { "\($0)" } ?? "none"]
                    + zip(cells, olds).map { now, old in
                        guard let now else { return "unknown" }
                        let share = rate(now, old).map { "\(Amount.decimal($0 / 1e7)) %" }
                        return share ?? Amount.time(now)
                    })
        }
        return table
    }

    private var exitTable: TextTable {
        var table = TextTable(["exits"] + now.processors.map { ProcessorShape.section($0.number) })
        for (index, exit) in (now.processors.first?.exits ?? []).enumerated() {
            table.add(
                [exit.reason]
                    + now.processors.map { processor in
                        guard index < processor.exits.count else { return "" }
                        let count = processor.exits[index].count
                        let old = before(processor)?.exits
                        return Self.amount(
                            "\(count)", rate(count, old.flatMap { index < $0.count ? $0[index].count : nil }))
                    })
        }
        return table
    }

    private func table(of section: StatsSectionSnapshot) -> TextTable {
        var table = TextTable([section.name, "", ""])
        let old = before?.page[section.name]
        for value in section.values {
            guard let number = value.number else { continue }
            if value.kind == .histogram {
                let sum = value.sum ?? 0
                let mean = number == 0 ? "" : "mean \(Amount.text(sum / number, value.unit))"
                let most = value.buckets.lastIndex { $0 > 0 }.map { index in
                    index == value.buckets.endIndex - 1
                        ? "\(Amount.text(Amount.bucketStart(index), value.unit)) or more"
                        : "below \(Amount.text(Amount.bucketStart(index + 1), value.unit))"
                }
                table.add([
                    value.name, "\(number)",
                    [mean, most.map { "all \($0)" } ?? ""].filter { !$0.isEmpty }.joined(separator: ", "),
                ])
                continue
            }
            let rate = value.kind == .counter ? rate(number, old?[value.name]) : nil
            table.add([value.name, Self.amount(Amount.text(number, value.unit), rate, value.unit), ""])
        }
        return table
    }

    /// The kernel's numbers that are not zero, added up over virtual CPUs.
    private func table(_ title: String, _ pairs: [(KVMStatistics, KVMStatistics?)]) -> TextTable {
        var table = TextTable([title, ""])
        for value in pairs[0].0.values where value.cells.count == 1 {
            let sum = pairs.reduce(0 as UInt64) { $0 &+ ($1.0[value.name] ?? 0) }
            let old = pairs.reduce(0 as UInt64?) { sum, pair in
                guard let sum, let old = pair.1?[value.name] else { return nil }
                return sum &+ old
            }
            guard sum != 0 else { continue }
            let isTime = value.unit == .seconds && value.exponent == -9 && !value.isBinaryPower
            table.add([
                value.name,
                Self.amount(
                    isTime ? Amount.time(sum) : "\(sum)",
                    value.kind == .cumulative && !isTime ? rate(sum, old) : nil),
            ])
        }
        return table
    }

    private static func amount(_ text: String, _ rate: Double?, _ unit: StatsUnit = .count) -> String {
        guard let rate, unit != .nanoseconds else { return text }
        let speed = unit == .bytes ? Amount.size(UInt64(rate)) : Amount.decimal(rate)
        return "\(text) (\(speed)/s)"
    }
}

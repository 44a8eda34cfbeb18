internal import JSONText
internal import Stats

extension StatsReport {
    /// Everything for programs: sizes in bytes, times in nanoseconds, what is unknown null.
    ///
    /// `version` grows when a member goes away or changes its meaning, not when one is added.
    var json: JSONValue {
        [
            "version": 1,
            "name": .string(name),
            "process": JSONValue(now.page.process),
            "elapsed": JSONValue(now.elapsed),
            "memory": [
                "configured": Self.number(now.memory.configured),
                "resident": Self.number(now.memory.resident),
                "ballooned": Self.number(now.memory.ballooned),
                "monitor": Self.number(now.memory.monitor),
            ],
            "processors": .array(now.processors.map(processor)),
            "sections": .object(
                otherSections.map { section in
                    let old = before?.page[section.name]
                    return JSONMember(
                        section.name,
                        [
                            "consistent": .boolean(section.isConsistent),
                            "metrics": .object(
                                section.values.map { JSONMember($0.name, metric($0, old?[$0.name])) }),
                        ])
                }),
            "kvm": Self.kernel(now.kernel),
            "remarks": .array(now.remarks.map(JSONValue.string)),
        ]
    }

    private func processor(_ processor: MachineObservation.Processor) -> JSONValue {
        [
            "number": JSONValue(processor.number),
            "thread": processor.thread.map { JSONValue($0) } ?? .null,
            "run": Self.number(processor.times?.run),
            "ready": Self.number(processor.times?.ready),
            "wait": Self.number(processor.times?.wait),
            "exits": .object(processor.exits.map { JSONMember($0.reason, JSONValue($0.count)) }),
            "kvm": Self.kernel(processor.kernel),
        ]
    }

    private func metric(_ value: StatsValue, _ old: UInt64?) -> JSONValue {
        var members = [
            JSONMember("kind", .string("\(value.kind)")),
            JSONMember("unit", .string("\(value.unit)")),
            JSONMember("value", Self.number(value.number)),
        ]
        if value.kind == .histogram {
            members.append(JSONMember("sum", Self.number(value.sum)))
            members.append(JSONMember("buckets", .array(value.buckets.map { JSONValue($0) })))
        }
        if value.kind == .counter, let number = value.number, let rate = rate(number, old) {
            members.append(JSONMember("rate", .number(rate)))
        }
        return .object(members)
    }

    /// The kernel's numbers by their names; a histogram is an array.
    private static func kernel(_ statistics: KVMStatistics?) -> JSONValue {
        guard let statistics else { return .null }
        return .object(
            statistics.values.map { value in
                let cells = value.cells.map { JSONValue($0) }
                return JSONMember(value.name, cells.count == 1 ? cells[0] : .array(cells))
            })
    }

    private static func number(_ value: UInt64?) -> JSONValue {
        value.map { JSONValue($0) } ?? .null
    }
}

extension JournalRecord {
    /// Reads a line, without its end. It may come from anywhere.
    public init(line: String) throws(JournalError) {
        let bytes = line.utf8.count
        guard bytes <= Self.longestLine else { throw .tooLong(bytes: bytes) }
        var fields = FieldCutter(line)
        let version = fields.word()
        guard version == Self.version else { throw .unknownVersion(version) }
        let kind = fields.word()
        switch kind {
        case "checkpoint": self = .checkpoint(try Self.policy(&fields))
        case "change": self = .change(try Self.change(&fields))
        case "capacity":
            self = .capacity(
                try Self.one(fields.value("amount")) { (v) throws(JournalError) in try v.amount() })
        case "observation": self = .observation(try Self.observation(&fields))
        case "decision": self = .decision(try Self.decision(&fields))
        default: throw .unknownKind(kind)
        }
        try fields.end()
    }

    /// The value of a field that has nothing else.
    private static func one<Value>(
        _ values: Values, _ read: (inout Values) throws(JournalError) -> Value
    ) throws(JournalError) -> Value {
        var values = values
        let value = try read(&values)
        try values.end()
        return value
    }

    private static func number(_ values: Values) throws(JournalError) -> UInt64 {
        try one(values) { (values) throws(JournalError) in try values.number() }
    }

    private static func amount(_ values: Values) throws(JournalError) -> CPUAmount {
        try one(values) { (values) throws(JournalError) in try values.amount() }
    }

    private static func policy(_ fields: inout FieldCutter) throws(JournalError) -> CPUPolicy {
        let sequence = try number(fields.value("sequence"))
        let capacity = try amount(fields.value("capacity"))
        let spans = try one(fields.value("spans")) { (values) throws(JournalError) in
            let (fast, slow, trend) = (try values.number(), try values.number(), try values.number())
            guard let spans = DemandSpans(fast: fast, slow: slow, trend: trend) else { throw values.wrong }
            return spans
        }
        let pools = try fields.all("pool") { (values) throws(JournalError) in try values.pool() }
        let machines = try fields.all("vm") { (values) throws(JournalError) in
            (entry: try values.vm(), estimator: try values.estimator())
        }
        let tree: ResourceTree
        do {
            tree = try ResourceTree(pools: pools, virtualMachines: machines.map(\.entry))
        } catch { throw .contradiction(error) }
        // There is one text for each record, so members must stand in the tree's order.
        guard tree.pools == pools else { throw .unexpected("pool") }
        guard tree.virtualMachines == machines.map(\.entry) else { throw .unexpected("vm") }
        return CPUPolicy(
            tree: tree, capacity: capacity, spans: spans, sequence: sequence,
            estimators: machines.map(\.estimator))
    }

    private static func change(_ fields: inout FieldCutter) throws(JournalError) -> TreeChange {
        if let values = fields.value(ifNext: "add-pool") {
            return try one(values) { (values) throws(JournalError) in .addPool(try values.pool()) }
        }
        if let values = fields.value(ifNext: "set-pool") {
            return try one(values) { (values) throws(JournalError) in .setPool(try values.pool()) }
        }
        if let values = fields.value(ifNext: "remove-pool") {
            return try one(values) { (values) throws(JournalError) in .removePool(try values.path()) }
        }
        if let values = fields.value(ifNext: "add-vm") {
            return try one(values) { (values) throws(JournalError) in .addVM(try values.vm()) }
        }
        if let values = fields.value(ifNext: "set-vm") {
            return try one(values) { (values) throws(JournalError) in
                .setVM(try values.name(), try values.settings())
            }
        }
        if let values = fields.value(ifNext: "move-vm") {
            return try one(values) { (values) throws(JournalError) in
                .moveVM(try values.name(), to: try values.path())
            }
        }
        return try one(fields.value("remove-vm")) { (values) throws(JournalError) in
            .removeVM(try values.name())
        }
    }

    private static func observation(_ fields: inout FieldCutter) throws(JournalError) -> Observation {
        let time = try number(fields.value("time"))
        return Observation(
            time: time,
            virtualMachines: try fields.all("vm") { (values) throws(JournalError) in
                let name = try values.name()
                let elapsed = try values.number()
                let times = CPUTimes(
                    used: try values.number(), ready: try values.number(), limited: try values.number())
                return Observation.VM(name: name, elapsed: elapsed, times: times)
            })
    }

    private static func decision(_ fields: inout FieldCutter) throws(JournalError) -> Decision {
        let sequence = try number(fields.value("sequence"))
        let time = try number(fields.value("time"))
        let capacity = try amount(fields.value("capacity"))
        let isMet = try one(fields.value("met")) { (values) throws(JournalError) in
            try values.word([("yes", true), ("no", false)])
        }
        return Decision(
            sequence: sequence, time: time, capacity: capacity, reservationsAreMet: isMet,
            virtualMachines: try fields.all("vm") { (values) throws(JournalError) in
                Decision.VM(
                    name: try values.name(), demand: try values.amount(), entitlement: try values.amount(),
                    atWorst: try values.amount())
            })
    }
}

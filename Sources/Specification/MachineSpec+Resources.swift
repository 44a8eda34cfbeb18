internal import JSONText
internal import Resources

// The fields of what a machine may have: `cpuShares`, `cpuReservation`, `cpuLimit`, `pool`, `managed`.
extension MachineSpec {
    mutating func readResources(_ fields: FieldReader) throws(SpecError) {
        let shares = try cpuShares(fields)
        let reservation = try fields.amount("cpuReservation")
        let limit = try fields.amount("cpuLimit")
        do {
            cpuAllocation = try CPUAllocation(
                shares: shares ?? .normal, reservation: reservation ?? .zero, limit: limit)
        } catch {
            let field =
                switch error {
                case .sharesOutOfRange: "cpuShares"
                case .limitIsNothing: "cpuLimit"
                case .reservationAboveLimit, .reservationAboveVirtualCPUs, .virtualCPUsOutOfRange:
                    "cpuReservation"
                }
            throw fields.contradiction(field, "\(error)")
        }
        if let text = try fields.string("pool") {
            do { pool = try PoolPath(text) } catch { throw fields.contradiction("pool", "\(error)") }
        }
        isManaged = try fields.boolean("managed") ?? isManaged
    }

    private func cpuShares(_ fields: FieldReader) throws(SpecError) -> CPUShares? {
        let text: String
        switch fields.value("cpuShares") {
        case nil: return nil
        case .string(let level): text = level
        case .integer(let number): text = "\(number)"
        case .some(let value):
            throw fields.wrongType("cpuShares", value, "low, normal, high, or a whole number")
        }
        do { return try CPUShares(parsing: text) } catch {
            throw fields.contradiction("cpuShares", "\(error)")
        }
    }

    func checkResources() throws(SpecError) {
        do { _ = try VMSettings(cpu: cpuAllocation, virtualCPUs: cpus) } catch {
            throw .contradiction(field: "cpuReservation", reason: "\(error)")
        }
    }

    var resourceFields: [(String, JSONValue?)] {
        let shares: JSONValue? =
            switch cpuAllocation.shares {
            case .normal: nil
            case .custom(let count): JSONValue(count)
            case .low, .high: .string(cpuAllocation.shares.description)
            }
        return [
            ("cpuShares", shares),
            (
                "cpuReservation",
                cpuAllocation.reservation == .zero ? nil : .string(cpuAllocation.reservation.description)
            ),
            ("cpuLimit", cpuAllocation.limit.map { .string($0.description) }),
            ("pool", pool.isRoot ? nil : .string(pool.description)),
            ("managed", isManaged ? nil : false),
        ]
    }
}

extension FieldReader {
    /// An amount of CPU: a text in one of its forms, or a number of CPUs.
    fileprivate func amount(_ field: String) throws(SpecError) -> CPUAmount? {
        let text: String
        switch value(field) {
        case nil: return nil
        case .string(let given): text = given
        case .integer(let number): text = "\(number)"
        case .number(let number): text = "\(number)"
        case .some(let value): throw wrongType(field, value, CPUAmount.form)
        }
        do { return try CPUAmount(parsing: text) } catch { throw contradiction(field, "\(error)") }
    }

    /// A value that its own type refuses, or that does not go with another.
    fileprivate func contradiction(_ field: String, _ reason: String) -> SpecError {
        .contradiction(field: name(field), reason: reason, position: position(of: field))
    }
}

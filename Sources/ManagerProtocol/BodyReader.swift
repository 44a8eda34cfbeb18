public import JSONText
public import Resources

/// Takes the members of one JSON object apart, with problems that name the member. Null is a value, and not the same
/// as a member that is not there.
struct BodyReader {
    private let members: [JSONMember]

    init(_ json: JSONValue) throws(ManagerProblem) {
        guard case .object(let members) = json else {
            throw ManagerProblem(.badRequest, "expected an object, found \(json.kind)")
        }
        self.members = members
    }

    func refuseOthers(than known: [String]) throws(ManagerProblem) {
        for member in members where !known.contains(member.key) {
            let key = JSONValue.string(String(member.key.prefix(60))).text()
            throw ManagerProblem(
                .invalid, "unknown member \(key); allowed: \(known.joined(separator: ", "))")
        }
    }

    func value(_ name: String) -> JSONValue? { members.first { $0.key == name }?.value }

    func required<Value>(_ name: String, _ value: Value?) throws(ManagerProblem) -> Value {
        guard let value else { throw ManagerProblem(.invalid, "\(name) is missing") }
        return value
    }

    func string(_ name: String) throws(ManagerProblem) -> String? {
        switch value(name) {
        case nil: return nil
        case .string(let text): return text
        case .some(let value): throw wrong(name, value, "a string")
        }
    }

    func boolean(_ name: String) throws(ManagerProblem) -> Bool? {
        switch value(name) {
        case nil: return nil
        case .boolean(let value): return value
        case .some(let value): throw wrong(name, value, "true or false")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ManagerProblem) -> Int? {
        switch value(name) {
        case nil: return nil
        case .integer(let number) where Int(exactly: number).map(range.contains) == true: return Int(number)
        case .some(let value):
            throw wrong(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// The number of a process, as the member of that name.
    func process() throws(ManagerProblem) -> Int32 {
        Int32(try required("process", try integer("process", in: 1...Int(Int32.max))))
    }

    func unsigned(_ name: String) throws(ManagerProblem) -> UInt64? {
        switch value(name) {
        case nil: return nil
        case .integer(let number) where number >= 0: return UInt64(number)
        case .unsigned(let number): return number
        case .some(let value): throw wrong(name, value, "a whole number of at least 0")
        }
    }

    func array(_ name: String) throws(ManagerProblem) -> [JSONValue]? {
        switch value(name) {
        case nil: return nil
        case .array(let items): return items
        case .some(let value): throw wrong(name, value, "an array")
        }
    }

    /// An amount of CPU as a number of CPUs, or as a text in one of its forms.
    func amount(_ name: String) throws(ManagerProblem) -> CPUAmount? {
        switch value(name) {
        case nil: return nil
        case .integer(let number):
            let (micro, overflow) = number.multipliedReportingOverflow(by: 1_000_000)
            if !overflow, let amount = CPUAmount(microCPUs: micro) { return amount }
        case .number(let number):
            // The nearest millionth: 0.1 has no exact binary form.
            let micro = (number * 1e6).rounded()
            if number >= 0, micro < 1e15, let amount = CPUAmount(microCPUs: Int64(micro)) { return amount }
        case .string(let text):
            do { return try CPUAmount(parsing: text) } catch {
                throw ManagerProblem(.invalid, "\(name): \(error)")
            }
        default: break
        }
        throw wrong(name, value(name) ?? .null, CPUAmount.form)
    }

    /// The same, or null, which is as good as nothing there.
    func nullableAmount(_ name: String) throws(ManagerProblem) -> CPUAmount? {
        value(name) == .null ? nil : try amount(name)
    }

    func shares(_ name: String) throws(ManagerProblem) -> CPUShares? {
        let text: String
        switch value(name) {
        case nil: return nil
        case .integer(let number): text = "\(number)"
        case .string(let level): text = level
        case .some(let value): throw wrong(name, value, "low, normal, high, or a whole number")
        }
        do { return try CPUShares(parsing: text) } catch {
            throw ManagerProblem(.invalid, "\(name): \(error)")
        }
    }

    func pool(_ name: String) throws(ManagerProblem) -> PoolPath? {
        guard let text = try string(name) else { return nil }
        do { return try PoolPath(text) } catch { throw ManagerProblem(.invalid, "\(name): \(error)") }
    }

    func machine(_ name: String) throws(ManagerProblem) -> VMName? {
        guard let text = try string(name) else { return nil }
        do { return try VMName(text) } catch { throw ManagerProblem(.invalid, "\(name): \(error)") }
    }

    private func wrong(_ name: String, _ value: JSONValue, _ allowed: String) -> ManagerProblem {
        let text = value.text()
        let shown = text.utf8.count > 60 ? value.kind : text
        return ManagerProblem(.invalid, "\(name) is \(shown); allowed: \(allowed)")
    }
}

extension CPUAmount {
    /// A number of CPUs: whole if it is, else with at most six decimals.
    public var json: JSONValue {
        microCPUs.isMultiple(of: 1_000_000)
            ? JSONValue(microCPUs / 1_000_000) : .number(Double(microCPUs) / 1e6)
    }
}

extension CPUShares {
    /// A level's name, or a number.
    public var json: JSONValue {
        switch self {
        case .custom(let count): JSONValue(count)
        default: .string(description)
        }
    }
}

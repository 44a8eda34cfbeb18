/// Takes a line of the journal apart, field by field in their fixed order. The line may be hostile.
struct FieldCutter {
    private var words: ArraySlice<Substring.UTF8View>

    /// At most so many fields are kept apart; the rest is one, and is found to be no field.
    init(_ line: String) {
        words =
            line.utf8[...].split(
                separator: UInt8(ascii: " "), maxSplits: 3 * ResourceTree.mostMembers,
                omittingEmptySubsequences: false
            )[...]
    }

    /// A word that is no field.
    mutating func word() -> String { words.popFirst().map { String(Substring($0)) } ?? "" }

    /// The value of the next field, if it has this key.
    mutating func value(ifNext key: StaticString) -> Values? {
        guard let word = words.first, let end = word.firstIndex(of: UInt8(ascii: "=")),
            word[..<end].elementsEqual("\(key)".utf8)
        else { return nil }
        words.removeFirst()
        return Values(field: "\(key)", text: word[word.index(after: end)...])
    }

    /// The value of the next field, which must have this key.
    mutating func value(_ key: StaticString) throws(JournalError) -> Values {
        guard let values = value(ifNext: key) else { throw .missing(field: "\(key)") }
        return values
    }

    /// The values of all next fields of this key.
    mutating func all<Element>(
        _ key: StaticString, _ read: (inout Values) throws(JournalError) -> Element
    ) throws(JournalError) -> [Element] {
        var all: [Element] = []
        while var values = value(ifNext: key) {
            guard all.count < ResourceTree.mostMembers else { throw .tooMany(field: "\(key)") }
            all.append(try read(&values))
            try values.end()
        }
        return all
    }

    /// Nothing may be left.
    func end() throws(JournalError) {
        if let word = words.first { throw .unexpected(String(Substring(word))) }
    }
}

/// The values of one field, with commas between them.
struct Values {
    let field: String
    private let text: Substring.UTF8View
    private var rest: Substring.UTF8View?

    init(field: String, text: Substring.UTF8View) {
        self.field = field
        self.text = text
        rest = text
    }

    var wrong: JournalError { .invalid(field: field, value: String(Substring(text.prefix(400)))) }

    mutating func next() throws(JournalError) -> String {
        guard let rest else { throw wrong }
        if let comma = rest.firstIndex(of: UInt8(ascii: ",")) {
            self.rest = rest[rest.index(after: comma)...]
            return String(Substring(rest[..<comma]))
        }
        self.rest = nil
        return String(Substring(rest))
    }

    func end() throws(JournalError) {
        guard rest == nil else { throw wrong }
    }

    /// Digits as Swift writes a number: no sign, no zeros in front.
    mutating func number() throws(JournalError) -> UInt64 {
        let text = try next()
        guard let number = UInt64(text), text == "\(number)" else { throw wrong }
        return number
    }

    mutating func amount() throws(JournalError) -> CPUAmount {
        guard let number = Int64(exactly: try number()), let amount = CPUAmount(microCPUs: number) else {
            throw wrong
        }
        return amount
    }

    mutating func word<Value>(_ meanings: [(String, Value)]) throws(JournalError) -> Value {
        let text = try next()
        guard let meaning = meanings.first(where: { $0.0 == text }) else { throw wrong }
        return meaning.1
    }

    mutating func name() throws(JournalError) -> VMName {
        let text = try next()
        do { return try VMName(text) } catch { throw wrong }
    }

    mutating func path() throws(JournalError) -> PoolPath {
        let text = try next()
        do { return try PoolPath(text) } catch { throw wrong }
    }

    mutating func allocation() throws(JournalError) -> CPUAllocation {
        let text = try next()
        let shares: CPUShares
        do { shares = try CPUShares(parsing: text) } catch { throw wrong }
        guard shares.description == text else { throw wrong }
        let reservation = try amount()
        let limit: CPUAmount?
        if rest?.first == UInt8(ascii: "-") {
            guard try next() == "-" else { throw wrong }
            limit = nil
        } else {
            limit = try amount()
        }
        do {
            return try CPUAllocation(shares: shares, reservation: reservation, limit: limit)
        } catch { throw wrong }
    }

    mutating func pool() throws(JournalError) -> PoolEntry {
        let path = try path()
        let cpu = try allocation()
        let isExpandable = try word([("expandable", true), ("fixed", false)])
        return PoolEntry(path: path, settings: PoolSettings(cpu: cpu, isExpandable: isExpandable))
    }

    mutating func settings() throws(JournalError) -> VMSettings {
        guard let virtualCPUs = Int(exactly: try number()) else { throw wrong }
        let cpu = try allocation()
        do { return try VMSettings(cpu: cpu, virtualCPUs: virtualCPUs) } catch { throw wrong }
    }

    mutating func vm() throws(JournalError) -> VMEntry {
        VMEntry(name: try name(), pool: try path(), settings: try settings())
    }

    mutating func estimator() throws(JournalError) -> DemandEstimator {
        var estimator = DemandEstimator()
        guard rest?.first != UInt8(ascii: "-") else {
            for _ in 0..<3 { guard try next() == "-" else { throw wrong } }
            return estimator
        }
        func average(_ number: UInt64) throws(JournalError) -> UInt64 {
            guard number <= DemandEstimator.greatest else { throw wrong }
            return number
        }
        estimator.averages = DemandEstimator.Averages(
            fast: try average(number()), slow: try average(number()), trend: try average(number()))
        return estimator
    }
}

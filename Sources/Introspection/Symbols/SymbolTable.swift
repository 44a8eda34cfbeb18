/// The kernel's symbols: names and addresses, from the kallsyms tables.
///
/// Addresses are kept as offsets from `base`, so that a table is true for every start of the same kernel.
public struct SymbolTable: Sendable {
    /// What offsets count from: where the kernel image begins in this run of the guest.
    public internal(set) var base: VirtualAddress
    /// Offsets in the kernel's own order, which is ascending but for per-CPU symbols. Those are no addresses but
    /// numbers that do not move with the image, and are kept as such: `absoluteStart` and the number.
    let offsets: [Int64]
    /// All names one after the other, the type letter before each.
    let names: [UInt8]
    /// Where each name begins; one more for the end.
    let starts: [UInt32]
    /// Every symbol's number below the hash of its name.
    let byName: NameIndex
    /// All symbols' numbers by ascending offset, the absolute ones first.
    let sorted: [UInt32]
    /// Whether variables have symbols: without CONFIG_KALLSYMS_ALL only functions do.
    public let hasVariables: Bool

    /// - Parameter offsets: the distances of all addresses from `base`, absolute ones' too.
    init(base: VirtualAddress, offsets: [Int64], names: [UInt8], starts: [UInt32]) {
        self.base = base
        let offsets = offsets.map { offset in
            Self.offset(of: base.rawValue &+ UInt64(bitPattern: offset), from: base.rawValue)
        }
        self.offsets = offsets
        self.names = names
        self.starts = starts
        var hashes: [(number: UInt32, hash: UInt32)] = []
        hashes.reserveCapacity(offsets.count)
        let text = names.span
        for number in offsets.indices {
            let name = Int(starts[number]) + 1..<Int(starts[number + 1])
            hashes.append((UInt32(number), NameIndex.hash(text, name)))
        }
        byName = NameIndex(hashes)
        // Almost sorted already: only what is out of order is.
        func isBefore(_ left: UInt32, _ right: UInt32) -> Bool {
            (offsets[Int(left)], left) < (offsets[Int(right)], right)
        }
        var order = (0..<UInt32(offsets.count)).map { $0 }
        if !zip(order, order.dropFirst()).allSatisfy(isBefore) { order.sort(by: isBefore) }
        sorted = order
        hasVariables = Self.hasVariables(names, starts)
    }

    /// A table as it was kept in a file; nil if its parts do not fit together.
    init?(
        base: VirtualAddress, offsets: [Int64], names: [UInt8], starts: [UInt32], index: [UInt64],
        sorted: [UInt32]
    ) {
        guard starts.count == offsets.count + 1, sorted.count == offsets.count, starts.first == 0,
            starts.last == UInt32(exactly: names.count),
            zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 }),
            sorted.allSatisfy({ Int($0) < offsets.count }),
            let byName = NameIndex(entries: index, count: offsets.count)
        else { return nil }
        self.base = base
        self.offsets = offsets
        self.names = names
        self.starts = starts
        self.byName = byName
        self.sorted = sorted
        hasVariables = Self.hasVariables(names, starts)
    }

    private static func hasVariables(_ names: [UInt8], _ starts: [UInt32]) -> Bool {
        starts.dropLast().contains { start in
            switch names[Int(start)] {
            case UInt8(ascii: "d"), UInt8(ascii: "D"), UInt8(ascii: "b"), UInt8(ascii: "B"): true
            default: false
            }
        }
    }

    /// Below any distance in an image.
    private static let absoluteStart = Int64.min
    /// Above any number that is no address: per-CPU areas have some MiB.
    private static let absoluteLimit: UInt64 = 1 << 32

    /// How many there are.
    public var count: Int { offsets.count }

    /// The address of the first symbol of that name.
    public func address(of name: String) -> VirtualAddress? {
        number(of: name).map { address(number: $0) }
    }

    /// Every symbol of that name: static ones of several files share names.
    public func all(named name: String) -> [Symbol] {
        var found: [Symbol] = []
        forEach(named: Array(name.utf8)) { number in
            found.append(symbol(number: number))
            return true
        }
        return found.sorted { $0.address < $1.address }
    }

    /// The symbol that an address lies in, and how far behind its beginning.
    public func symbol(at address: VirtualAddress) -> (symbol: Symbol, distance: UInt64)? {
        let offset = Int64(bitPattern: address.rawValue &- base.rawValue)
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if offsets[Int(sorted[middle])] <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0, !Self.isAbsolute(offsets[Int(sorted[low - 1])]) else { return nil }
        // Of several at one address the first is the one the kernel prints.
        var place = low - 1
        let start = offsets[Int(sorted[place])]
        while place > 0, offsets[Int(sorted[place - 1])] == start { place -= 1 }
        // Behind the last symbol nothing is known to belong to it.
        guard low < sorted.count || offset == start else { return nil }
        return (symbol(number: Int(sorted[place])), UInt64(bitPattern: offset &- start))
    }

    /// All symbols, by address.
    public var all: [Symbol] { sorted.map { symbol(number: Int($0)) } }

    // MARK: Numbers

    func number(of name: String) -> Int? {
        var result: Int?
        forEach(named: Array(name.utf8)) { number in
            result = min(number, result ?? number)
            return true
        }
        return result
    }

    func address(number: Int) -> VirtualAddress {
        let offset = offsets[number]
        if Self.isAbsolute(offset) { return VirtualAddress(UInt64(offset &- Self.absoluteStart)) }
        return VirtualAddress(base.rawValue &+ UInt64(bitPattern: offset))
    }

    private static func isAbsolute(_ offset: Int64) -> Bool {
        offset < absoluteStart + Int64(absoluteLimit)
    }

    /// What `offsets` has for an address.
    func offset(of address: VirtualAddress) -> Int64 {
        Self.offset(of: address.rawValue, from: base.rawValue)
    }

    /// What `offsets` has for an address if the image begins at `base`.
    static func offset(of address: UInt64, from base: UInt64) -> Int64 {
        // A base in the lower half is a physical address, and then all symbols have one.
        guard base >> 63 == 1, address < absoluteLimit else { return Int64(bitPattern: address &- base) }
        return absoluteStart + Int64(address)
    }

    func symbol(number: Int) -> Symbol {
        let text = names[Int(starts[number])..<Int(starts[number + 1])]
        return Symbol(
            name: String(decoding: text.dropFirst(), as: UTF8.self), address: address(number: number),
            kind: Character(Unicode.Scalar(text.first ?? 63)))
    }

    private func forEach(named name: [UInt8], _ body: (Int) -> Bool) {
        for found in byName.numbers(withHash: NameIndex.hash(name.span, name.indices)) {
            let number = Int(found)
            if names[Int(starts[number]) + 1..<Int(starts[number + 1])].elementsEqual(name), !body(number) {
                return
            }
        }
    }
}

/// A named address of the kernel.
public struct Symbol: Equatable, Sendable {
    /// Its name, without a module's.
    public let name: String
    /// Where it is.
    public let address: VirtualAddress
    /// nm(1)'s letter: t code, d data, b zeroed data, r read-only; capitals are global.
    public let kind: Character
}

extension SymbolTable {
    /// All symbols whose names begin with a prefix, by address.
    ///
    /// - Parameter limit: the most that are given.
    public func all(withPrefix prefix: String, limit: Int = 100_000) -> [Symbol] {
        let wanted = Array(prefix.utf8)
        var found: [Symbol] = []
        for number in sorted {
            let name = names[Int(starts[Int(number)]) + 1..<Int(starts[Int(number) + 1])]
            guard name.starts(with: wanted) else { continue }
            found.append(symbol(number: Int(number)))
            guard found.count < limit else { break }
        }
        return found
    }

    /// The distance from a symbol to the next one behind it: the size of code, and more than that of data
    /// before a hole. Nil behind the last one, and the last per-CPU one.
    public func size(of symbol: Symbol) -> UInt64? {
        let offset = offset(of: symbol.address)
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if offsets[Int(sorted[middle])] <= offset { low = middle + 1 } else { high = middle }
        }
        guard low < sorted.count else { return nil }
        let next = address(number: Int(sorted[low]))
        guard next.isKernel == symbol.address.isKernel else { return nil }
        return next.rawValue &- symbol.address.rawValue
    }
}

/// Symbols of the kernel and its modules, by name or address.
public struct SymbolView {
    private let kernel: Kernel
    private let names: CodeSymbols

    /// How many rows a query has at most.
    public static let mostRows = 100_000

    /// Nothing can be missing; without BTF modules have no symbols.
    public init(_ kernel: Kernel) {
        self.kernel = kernel
        names = CodeSymbols(kernel)
    }

    /// Looks symbols up.
    ///
    /// - Parameter query: `NAME` (all symbols of that name: static ones share names), `NAME*` (all that begin
    ///   so) or an address with 0x (the symbol it lies in).
    /// - Throws: `notFound` if there is none.
    public func read(_ query: String) throws(IntrospectionError) -> [SymbolRow] {
        if query.hasPrefix("0x") || query.hasPrefix("0X") {
            guard let number = UInt64(query.dropFirst(2), radix: 16) else {
                throw .notFound("'\(query)' is no hexadecimal address")
            }
            guard let found = names.name(of: VirtualAddress(number)) else {
                throw .notFound("no symbol of the kernel or its modules is at \(VirtualAddress(number))")
            }
            return [SymbolRow(found)]
        }
        let rows: [SymbolRow]
        if query.hasSuffix("*") {
            let prefix = String(query.dropLast())
            rows =
                kernel.symbols.all(withPrefix: prefix, limit: Self.mostRows).map { row($0) }
                + ofModules { $0.hasPrefix(prefix) }
        } else {
            rows = kernel.symbols.all(named: query).map { row($0) } + ofModules { $0 == query }
        }
        guard !rows.isEmpty else { throw .notFound("the kernel has no symbol \(query)") }
        return Array(rows.prefix(Self.mostRows))
    }

    private func row(_ symbol: Symbol) -> SymbolRow {
        SymbolRow(
            NamedAddress(symbol: symbol, distance: 0, size: kernel.symbols.size(of: symbol), module: nil))
    }

    private func ofModules(_ matches: (String) -> Bool) -> [SymbolRow] {
        guard let modules = names.modules else { return [] }
        return modules.modules.flatMap { module in
            ((try? modules.symbols(of: module)) ?? []).filter { matches($0.name) }.map { symbol in
                SymbolRow(
                    NamedAddress(
                        symbol: symbol, distance: 0, size: names.name(of: symbol.address)?.size,
                        module: module.name))
            }
        }
    }
}

/// A symbol, or an address by its symbol.
public struct SymbolRow: ViewRow {
    /// What was found.
    public let name: NamedAddress

    init(_ name: NamedAddress) { self.name = name }

    /// The address itself.
    public var address: VirtualAddress { name.symbol.address + Int(truncatingIfNeeded: name.distance) }

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("ADDRESS", "address"), ViewColumn("T", "kind"), ViewColumn("SYMBOL", "symbol"),
        ViewColumn("OFFSET", "offset"), ViewColumn("SIZE", "size", isNumber: true),
        ViewColumn("MODULE", "module"),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .address(address.rawValue), .text(String(name.symbol.kind)), .text(name.symbol.name),
            .address(name.distance), name.size.map { .number(Int64(clamping: $0)) } ?? .none,
            name.module.map { .text($0) } ?? .none,
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: UInt64 { address.rawValue }
    /// What does not change as it is looked at.
    public var settled: String { name.description }
}

/// A sorted table of code addresses and what is to be done there: the kernel's, or a module's.
struct OrcTable {
    /// 32-bit distances, each from its own place to the code.
    let addresses: VirtualAddress
    /// Entries of six bytes.
    let entries: VirtualAddress
    let count: Int
    let layout: OrcLayout

    /// The entry for an instruction: the last one at or before it. Nil if there is none.
    func entry(for instruction: VirtualAddress, in kernel: Kernel) throws(ReadError) -> OrcEntry? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let place = addresses + middle * 4
            let address = place + Int(try kernel.load(Int32.self, at: place))
            if address <= instruction { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let bytes = try kernel.bytes(
            at: entries + (low - 1) * OrcLayout.entrySize, count: OrcLayout.entrySize)
        return layout.entry(ByteTable(bytes))
    }
}

/// The tables of the kernel and its modules.
struct OrcTables {
    private let kernel: Kernel
    private let image: OrcTable
    private let text: CodeSymbols
    private let moduleFields: (addresses: Field, entries: Field, count: Field)?
    let layout: OrcLayout

    /// A distribution's kernel has some million.
    private static let mostEntries = 16_000_000

    init(_ kernel: Kernel, _ text: CodeSymbols) throws(IntrospectionError) {
        self.kernel = kernel
        self.text = text
        let types = try kernel.types()
        layout = try OrcLayout(types, version: kernel.version)
        let first = try kernel.address(of: "__start_orc_unwind_ip")
        let last = try kernel.address(of: "__stop_orc_unwind_ip")
        let count = (last.rawValue &- first.rawValue) / 4
        guard last > first, count < UInt64(Self.mostEntries) else {
            throw .missing("table for unwinding stacks that can be true")
        }
        image = OrcTable(
            addresses: first, entries: try kernel.address(of: "__start_orc_unwind"), count: Int(count),
            layout: layout)
        if let addresses = types.field("arch.orc_unwind_ip", of: "module"),
            let entries = types.field("arch.orc_unwind", of: "module"),
            let number = types.field("arch.num_orcs", of: "module")
        {
            moduleFields = (addresses, entries, number)
        } else {
            moduleFields = nil
        }
    }

    /// The entry for an instruction; nil for code that was made at run time.
    func entry(for instruction: VirtualAddress) throws(ReadError) -> OrcEntry? {
        if instruction.isNull { return .null }
        if kernel.mapping.physical(of: instruction) != nil, text.modules?.module(at: instruction) == nil {
            return text.isCode(instruction) ? try image.entry(for: instruction, in: kernel) : nil
        }
        guard let module = text.modules?.module(at: instruction), let fields = moduleFields else {
            return nil
        }
        let count = Int(try kernel.value(fields.count, at: module.place))
        guard (1...Self.mostEntries).contains(count) else { return nil }
        let table = OrcTable(
            addresses: try kernel.pointer(fields.addresses, at: module.place),
            entries: try kernel.pointer(fields.entries, at: module.place), count: count, layout: layout)
        return try table.entry(for: instruction, in: kernel)
    }
}

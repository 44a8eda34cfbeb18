extension TypeTable {
    /// The kernel's types with a module's behind them: those count on from the kernel's, as do their texts
    /// (Linux, Documentation/bpf/btf.rst; tools/lib/bpf, "split BTF").
    ///
    /// - Parameter module: the module's BTF.
    init(_ kernel: TypeTable, and module: [UInt8]) throws(Failure) {
        guard let first = Sections(kernel.table), let second = Sections(ByteTable(module)) else {
            throw .notTypes
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + kernel.table.count + module.count)
        func append(_ value: Int, _ size: Int) {
            for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        let typeSize = first.types.count + second.types.count
        append(0xEB9F, 2)
        append(1, 2)
        for value in [24, 0, typeSize, typeSize, first.texts.count + second.texts.count] { append(value, 4) }
        bytes += first.types
        bytes += second.types
        bytes += first.texts
        bytes += second.texts
        try self.init(bytes)
    }

    /// The two parts of a table.
    private struct Sections {
        let types: ArraySlice<UInt8>
        let texts: ArraySlice<UInt8>

        init?(_ table: ByteTable) {
            guard table.load(UInt16.self, at: 0) == 0xEB9F,
                let head = table.load(UInt32.self, at: 4), let typeOffset = table.load(UInt32.self, at: 8),
                let typeSize = table.load(UInt32.self, at: 12),
                let textOffset = table.load(UInt32.self, at: 16),
                let textSize = table.load(UInt32.self, at: 20),
                let types = table.slice(Int(head) + Int(typeOffset), count: Int(typeSize)),
                let texts = table.slice(Int(head) + Int(textOffset), count: Int(textSize))
            else { return nil }
            self.types = types
            self.texts = texts
        }
    }
}

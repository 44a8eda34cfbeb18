extension Kernel {
    /// The processors that the kernel counts as possible, by number.
    ///
    /// - Throws: `missing` if the kernel has no such symbol.
    public func possibleProcessors() throws(IntrospectionError) -> Range<Int> {
        let place = try address(of: "nr_cpu_ids")
        return try reading { () throws(ReadError) in
            let count = Int(try load(UInt32.self, at: place))
            // NR_CPUS is 8192 at most on x86 (arch/x86/Kconfig, NR_CPUS_RANGE_END).
            guard (1...8192).contains(count) else { throw .inconsistent("it counts \(count) processors") }
            return 0..<count
        }
    }

    /// Where a per-CPU variable lies for one processor.
    ///
    /// - Parameter variable: its symbol's address, or a pointer that the kernel marks `__percpu`.
    public func perCPU(
        _ variable: VirtualAddress, processor: Int
    ) throws(IntrospectionError) -> VirtualAddress {
        let table = try address(of: "__per_cpu_offset")
        return try reading { () throws(ReadError) in
            let offset = try load(UInt64.self, at: table + processor * 8)
            return VirtualAddress(variable.rawValue &+ offset)
        }
    }
}

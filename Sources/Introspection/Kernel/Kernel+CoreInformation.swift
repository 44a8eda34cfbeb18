extension Kernel {
    /// What the kernel itself has ready for readers of its dumps: `VMCOREINFO`'s text (Linux,
    /// Documentation/admin-guide/kdump/vmcoreinfo.rst). Nil if this kernel has none.
    public var coreInformation: [UInt8]? {
        guard let place = symbols.address(of: "vmcoreinfo_data"),
            let size = symbols.address(of: "vmcoreinfo_size"),
            let start = try? pointer(at: place), !start.isNull,
            let count = try? load(UInt64.self, at: size), (1...65_536).contains(count)
        else { return nil }
        return try? bytes(at: start, count: Int(count))
    }
}

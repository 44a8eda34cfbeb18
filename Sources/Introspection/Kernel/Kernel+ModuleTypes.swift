extension Kernel {
    /// The types of a loaded module with the kernel's own (CONFIG_DEBUG_INFO_BTF_MODULES).
    ///
    /// - Returns: nil if the module is not loaded or this kernel keeps no types of modules.
    func types(ofModule name: String) throws(ReadError) -> TypeTable? {
        guard let types = profile.types, let head = symbols.address(of: "btf_modules"),
            let list = types.field("list", of: "btf_module"),
            let owner = types.field("module", of: "btf_module"),
            let content = types.field("btf", of: "btf_module"), let data = types.field("data", of: "btf"),
            let size = types.field("data_size", of: "btf"), let title = types.field("name", of: "module")
        else { return nil }
        var found: [UInt8]?
        try forEach(inListAt: head, offset: list.offset, limit: 65_536) { entry throws(ReadError) in
            guard try text(title, at: try pointer(owner, at: entry)) == name else { return true }
            let table = try pointer(content, at: entry)
            let count = Int(try value(size, at: table))
            guard (24...Self.longestModuleTypes).contains(count) else {
                throw .inconsistent("module \(name) has \(count) bytes of types")
            }
            found = try bytes(at: try pointer(data, at: table), count: count)
            return false
        }
        return found.flatMap { try? TypeTable(types, and: $0) }
    }

    /// The largest modules' types have some MiB.
    private static let longestModuleTypes = 64 << 20
}

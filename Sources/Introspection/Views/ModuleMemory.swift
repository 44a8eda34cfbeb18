/// Where `struct module` says where the parts of a module lie: that with the code first.
struct ModuleMemory {
    /// Of each part, where it begins and its bytes.
    let parts: [(base: Field, size: Field)]

    /// The part with the code.
    var code: (base: Field, size: Field) { parts[0] }

    /// - Throws: `missing` if this kernel's modules cannot be told apart.
    init(_ types: TypeTable) throws(IntrospectionError) {
        // Before Linux 6.4: what stays, and what only the start needs.
        let layouts = ["core_layout", "init_layout"].compactMap { layout -> (base: Field, size: Field)? in
            guard let base = types.field("\(layout).base", of: "module"),
                let size = types.field("\(layout).size", of: "module")
            else { return nil }
            return (base, size)
        }
        guard layouts.isEmpty else {
            parts = layouts
            return
        }
        // Since: an array by kinds of memory, of which MOD_TEXT is 0 (`enum mod_mem_type`).
        let array = try types.required("mem", of: "module")
        let base = try types.required("base", of: "module_memory")
        let size = try types.required("size", of: "module_memory")
        let step = try types.requiredSize(of: "module_memory")
        guard let count = types.elements(of: array.type)?.count, (1...64).contains(count) else {
            throw .missing("array module.mem")
        }
        parts = (0..<count).map { index in
            let distance = array.offset + index * step
            return (base.moved(by: distance), size.moved(by: distance))
        }
    }
}

extension Field {
    /// The same member of a structure that lies in another one.
    fileprivate func moved(by distance: Int) -> Field {
        Field(offset: offset + distance, size: size, type: type, isSigned: isSigned, bits: bits)
    }
}

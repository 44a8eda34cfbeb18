/// A loaded kernel module, as far as its code goes.
struct LoadedModule {
    let name: String
    /// Where its parts lie: code first.
    let parts: [Range<UInt64>]
    /// Its `struct module`.
    let place: VirtualAddress
}

/// The loaded modules, and the symbols in them. Read once; a module's symbols when they are first asked for.
final class LoadedModules {
    private let kernel: Kernel
    let modules: [LoadedModule]
    private let kallsyms: Field?
    private let tableFields: (symbols: Field, count: Field, names: Field)?
    private var known: [UInt64: [Symbol]] = [:]

    /// A distribution's kernel has some 6,000; a machine loads some hundred.
    private static let mostModules = 65_536
    private static let mostSymbols = 1_000_000
    private static let symbolSize = 24

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        kallsyms = types.field("kallsyms", of: "module")
        if let symbols = types.field("symtab", of: "mod_kallsyms"),
            let count = types.field("num_symtab", of: "mod_kallsyms"),
            let names = types.field("strtab", of: "mod_kallsyms")
        {
            tableFields = (symbols, count, names)
        } else {
            tableFields = nil
        }
        guard let head = kernel.symbols.address(of: "modules"),
            let list = types.field("list", of: "module"), let name = types.field("name", of: "module")
        else {
            // CONFIG_MODULES is off.
            modules = []
            return
        }
        let memory = try ModuleMemory(types)
        modules = try reading { () throws(ReadError) in
            var modules: [LoadedModule] = []
            try kernel.forEach(inListAt: head, offset: list.offset, limit: Self.mostModules) {
                place throws(ReadError) in
                modules.append(
                    LoadedModule(
                        name: try kernel.text(name, at: place),
                        parts: try Self.parts(of: place, memory, in: kernel), place: place))
                return true
            }
            return modules
        }
    }

    /// The module that an address lies in.
    func module(at address: VirtualAddress) -> LoadedModule? {
        modules.first { $0.parts.contains { $0.contains(address.rawValue) } }
    }

    /// A module's symbols by address; empty if the kernel keeps none.
    func symbols(of module: LoadedModule) throws(ReadError) -> [Symbol] {
        if let found = known[module.place.rawValue] { return found }
        let found = try readSymbols(of: module)
        known[module.place.rawValue] = found
        return found
    }

    private func readSymbols(of module: LoadedModule) throws(ReadError) -> [Symbol] {
        guard let kallsyms, let fields = tableFields else { return [] }
        let table = try kernel.pointer(kallsyms, at: module.place)
        guard !table.isNull else { return [] }
        let count = Int(try kernel.value(fields.count, at: table))
        guard (0...Self.mostSymbols).contains(count) else {
            throw .inconsistent("module \(module.name) has \(count) symbols")
        }
        let names = try kernel.pointer(fields.names, at: table)
        let entries = ByteTable(
            try kernel.bytes(
                at: try kernel.pointer(fields.symbols, at: table), count: count * Self.symbolSize))
        var symbols: [Symbol] = []
        for index in 0..<count {
            // Elf64_Sym: st_name, st_info, st_other, st_shndx, st_value, st_size.
            let base = index * Self.symbolSize
            guard let name = entries.load(UInt32.self, at: base),
                let section = entries.load(UInt16.self, at: base + 6),
                let value = entries.load(UInt64.self, at: base + 8), section != 0, name != 0,
                module.parts.contains(where: { $0.contains(value) })
            else { continue }
            let text = try kernel.text(at: names + Int(name), limit: 512)
            guard !text.isEmpty, !text.hasPrefix(".L") else { continue }
            let isCode = module.parts.first?.contains(value) == true
            symbols.append(Symbol(name: text, address: VirtualAddress(value), kind: isCode ? "t" : "d"))
        }
        return symbols.sorted { $0.address < $1.address }
    }

    /// Where a module's parts lie; none that goes beyond the last address.
    private static func parts(
        of module: VirtualAddress, _ memory: ModuleMemory, in kernel: Kernel
    ) throws(ReadError) -> [Range<UInt64>] {
        var parts: [Range<UInt64>] = []
        for part in memory.parts {
            let start = try kernel.pointer(part.base, at: module).rawValue
            let size = UInt64(max(try kernel.value(part.size, at: module), 0))
            let (end, overflow) = start.addingReportingOverflow(size)
            if !overflow { parts.append(start..<end) }
        }
        return parts
    }
}

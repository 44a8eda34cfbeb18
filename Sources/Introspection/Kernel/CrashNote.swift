internal import GuestMemory

/// What a kernel leaves for whoever reads its dump: the note `VMCOREINFO` (Linux,
/// Documentation/admin-guide/kdump/vmcoreinfo.rst), lines of `KEY=VALUE`.
struct CrashNote {
    private let values: [Substring: Substring]

    /// The first such note of a dump; nil if it has none.
    init?(among notes: [DumpNote]) {
        guard let note = notes.first(where: { $0.owner == "VMCOREINFO" }) else { return nil }
        self.init(text: String(decoding: note.content.prefix { $0 != 0 }, as: UTF8.self))
    }

    /// - Parameter text: the note's content.
    init(text: String) {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        self.values = values
    }

    /// The address of a symbol that the kernel exports so.
    func symbol(_ name: String) -> UInt64? {
        values["SYMBOL(\(name))"].flatMap { UInt64($0, radix: 16) }
    }

    /// A number.
    func number(_ name: String) -> Int64? {
        values["NUMBER(\(name))"].flatMap { Int64($0) }
    }

    /// The kernel's own page tables; nil if the note does not tell where they are.
    var space: AddressSpace? {
        guard let table = symbol("swapper_pg_dir"), let base = number("phys_base") else { return nil }
        // The image is mapped from there on: __START_KERNEL_map.
        let distance = table &- ImageMapping.areaStart.rawValue
        return AddressSpace(
            root: GuestAddress(distance &+ UInt64(bitPattern: base)),
            levels: number("pgtable_l5_enabled") == 1 ? 5 : 4)
    }
}

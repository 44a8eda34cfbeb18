/// A loaded module, as /proc/modules shows it.
public struct ModuleRow: ViewRow {
    /// Where in its life it is (`enum module_state`).
    public enum State: String, Sendable {
        case live = "Live"
        case loading = "Loading"
        case unloading = "Unloading"
    }

    /// Its name.
    public let name: String
    /// Bytes of all its memory.
    public let size: UInt64
    /// How often it is in use; nil if this kernel unloads no modules and so does not count.
    public let uses: Int?
    /// The modules that use it.
    public let usedBy: [String]
    /// It has no way to be unloaded.
    public let isPermanent: Bool
    /// Where in its life it is.
    public let state: State
    /// Where its code begins.
    public let address: VirtualAddress
    /// Why the kernel is tainted by it: the letters of Documentation/admin-guide/tainted-kernels.rst.
    public let taints: String

    /// As /proc/modules has it, without a line end.
    public var line: String {
        var users = usedBy.map { "\($0)," }.joined()
        if isPermanent { users += "[permanent]," }
        let counted = uses.map { "\($0) \(users.isEmpty ? "-" : users)" } ?? "- -"
        let mark = state == .loading ? "+" : state == .unloading ? "-" : ""
        let letters = taints.isEmpty && mark.isEmpty ? "" : " (\(taints)\(mark))"
        return "\(name) \(size) \(counted) \(state.rawValue) \(address)\(letters)"
    }

    /// The columns, in the order of `cells`.
    public static var columns: [ViewColumn] {
        [
            ViewColumn("MODULE", "name"), ViewColumn("SIZE", "size", isNumber: true),
            ViewColumn("USES", "uses", isNumber: true), ViewColumn("USED BY", "usedBy"),
            ViewColumn("STATE", "state"), ViewColumn("ADDRESS", "address"), ViewColumn("TAINTS", "taints"),
            ViewColumn("", "isPermanent"),
        ]
    }

    /// The values.
    public var cells: [ViewValue] {
        [
            .text(name), .size(size), uses.map { .number(Int64($0)) } ?? .none,
            usedBy.isEmpty ? .none : .list(usedBy.map { .text($0) }), .text(state.rawValue),
            .address(address.rawValue), taints.isEmpty ? .none : .text(taints), .flag(isPermanent),
        ]
    }

    /// Where it lies.
    public var identity: VirtualAddress { address }
    /// What a second look must find again.
    public var settled: String { "\(name) \(size) \(state.rawValue)" }
}

/// The loaded modules, newest first, as in /proc/modules.
public struct ModulesView {
    private let kernel: Kernel
    private let list: VirtualAddress
    private let link: Field
    private let name: Field
    private let state: Field
    private let memory: ModuleMemory
    private let uses: Field?
    private let users: Field?
    private let userLink: Field?
    private let userSource: Field?
    private let start: Field?
    private let exit: Field?
    private let taints: Field?

    /// MODULE_REF_BASE: what a module's counter begins with.
    private static let firstUse: Int64 = 1
    /// Letters of the taints that are of single modules (kernel/panic.c, `taint_flags`).
    private static let letters: [(bit: Int64, letter: Character)] = [
        (0, "P"), (1, "F"), (10, "C"), (12, "O"), (13, "E"), (15, "K"), (16, "X"), (17, "T"), (18, "N"),
        (19, "J"),
    ]
    /// More than this many modules, or users of one, no kernel has.
    private static let most = 65_536

    /// - Throws: `missing` if this kernel has no modules.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        list = try kernel.address(of: "modules")
        link = try types.required("list", of: "module")
        name = try types.required("name", of: "module")
        state = try types.required("state", of: "module")
        memory = try ModuleMemory(types)
        uses = types.field("refcnt", of: "module")
        users = types.field("source_list", of: "module")
        userLink = types.field("source_list", of: "module_use")
        userSource = types.field("source", of: "module_use")
        start = types.field("init", of: "module")
        exit = types.field("exit", of: "module")
        taints = types.field("taints", of: "module")
    }

    /// The modules. One whose memory cannot be read is left out; the list goes on behind it.
    public func read() throws(IntrospectionError) -> [ModuleRow] {
        try reading { () throws(ReadError) in
            var rows: [ModuleRow] = []
            try kernel.forEach(inListAt: list, offset: link.offset, limit: Self.most) {
                (module) throws(ReadError) in
                if let row = try row(module) { rows.append(row) }
                return true
            }
            return rows
        }
    }

    /// Nil for one that is only just allocated, which the kernel does not show either.
    private func row(_ module: VirtualAddress) throws(ReadError) -> ModuleRow? {
        let state: ModuleRow.State
        switch try kernel.value(self.state, at: module) {
        case 0: state = .live
        case 1: state = .loading
        case 2: state = .unloading
        default: return nil
        }
        var size: UInt64 = 0
        for part in memory.parts {
            size += UInt64(UInt32(truncatingIfNeeded: try kernel.value(part.size, at: module)))
        }
        var letters = ""
        if let field = taints {
            let bits = try kernel.value(field, at: module)
            for (bit, letter) in Self.letters where bits >> bit & 1 == 1 { letters.append(letter) }
        }
        var isPermanent = false
        if let start, let exit {
            let hasExit = try !kernel.pointer(exit, at: module).isNull
            isPermanent = try !kernel.pointer(start, at: module).isNull && !hasExit
        }
        var count: Int?
        if let uses { count = Int(try kernel.value(uses, at: module) &- Self.firstUse) }
        return ModuleRow(
            name: try kernel.text(name, at: module), size: size, uses: count,
            usedBy: try usersNames(of: module), isPermanent: isPermanent, state: state,
            address: try kernel.pointer(memory.code.base, at: module), taints: letters)
    }

    private func usersNames(of module: VirtualAddress) throws(ReadError) -> [String] {
        guard let users, let userLink, let userSource else { return [] }
        var names: [String] = []
        try kernel.forEach(inListAt: module + users.offset, offset: userLink.offset, limit: Self.most) {
            (use) throws(ReadError) in
            names.append(try kernel.text(name, at: kernel.pointer(userSource, at: use)))
            return true
        }
        return names
    }
}

/// A process's memory areas, as /proc/PID/maps shows them.
public struct MemoryAreaList {
    let kernel: Kernel
    private let tasks: TaskList
    let paths: PathResolver
    let fields: MemoryAreaFields
    private let links: Links
    /// The operations of areas that the kernel itself put in, such as `[vdso]`.
    let specialOperations: VirtualAddress?

    /// How the areas hang together.
    private enum Links {
        /// Before Linux 6.1: a list, ascending.
        case list(first: Field, next: Field)
        /// Since: a maple tree.
        case tree(MapleTree, place: Field)
    }

    /// vm.max_map_count is 65530 unless someone raised it.
    private static let mostAreas = 1 << 20

    /// - Throws: `missing` if this kernel's memory areas cannot be followed.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        tasks = try TaskList(kernel)
        paths = try PathResolver(kernel)
        fields = try MemoryAreaFields(types)
        specialOperations = kernel.symbols.address(of: "special_mapping_vmops")
        if let place = types.field("mm_mt", of: "mm_struct") {
            links = .tree(try MapleTree(kernel), place: place)
        } else {
            links = .list(
                first: try types.required("mmap", of: "mm_struct"),
                next: try types.required("vm_next", of: "vm_area_struct"))
        }
    }

    /// The areas of a process, ascending; `[vsyscall]`, which is the same for all, is not among them.
    ///
    /// - Parameter number: the process, by its number in the first PID namespace.
    /// - Throws: `notFound` if there is no such process, or it has no memory of its own.
    public func read(process number: Int32) throws(IntrospectionError) -> [MemoryAreaRow] {
        let memory = try tasks.memory(of: number)
        return try reading { () throws(ReadError) in
            let marks = Marks(
                heap: (
                    try kernel.pointer(fields.breakStart, at: memory).rawValue,
                    try kernel.pointer(fields.breakEnd, at: memory).rawValue
                ),
                stack: try kernel.pointer(fields.stackStart, at: memory).rawValue)
            var rows: [MemoryAreaRow] = []
            var allowance = TextAllowance()
            switch links {
            case .tree(let tree, let place):
                try tree.forEach(in: memory + place.offset) { area, range throws(ReadError) in
                    guard rows.count < Self.mostAreas else { throw .tooMuch }
                    // The tree itself knows where the area is, whatever has become of the rest.
                    var row =
                        (try? row(of: area, in: memory, marks))
                        ?? MemoryAreaRow(start: range.lowerBound, end: range.upperBound &+ 1, offset: 0)
                    row.path = allowance.take(row.path)
                    rows.append(row)
                    return true
                }
            case .list(let first, let next):
                var area = try kernel.pointer(first, at: memory)
                var end: UInt64 = 0
                while !area.isNull {
                    guard rows.count < Self.mostAreas else { throw .tooMuch }
                    var row = try row(of: area, in: memory, marks)
                    row.path = allowance.take(row.path)
                    guard row.start >= end else {
                        throw .inconsistent("the memory areas of process \(number) are out of order")
                    }
                    end = row.end
                    rows.append(row)
                    area = try kernel.pointer(next, at: area)
                }
            }
            return rows
        }
    }
}

/// Where processes keep which files they have open: `files_struct` and the `fdtable` it leads to.
struct DescriptorTables {
    private let kernel: Kernel
    private let files: Field
    private let table: Field
    private let size: Field
    private let descriptors: Field

    /// fs.nr_open is a million unless someone raised it; what is beyond is not believed.
    private static let mostDescriptors: Int64 = 1 << 22

    /// A process's table.
    struct Table {
        /// The `fdtable`.
        let place: VirtualAddress
        /// How many descriptors it has room for.
        let count: Int
        /// Where for each of them a pointer to its `struct file` lies, null if it is not open.
        let files: VirtualAddress
    }

    init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        files = try types.required("files", of: "task_struct")
        table = try types.required("fdt", of: "files_struct")
        size = try types.required("max_fds", of: "fdtable")
        descriptors = try types.required("fd", of: "fdtable")
    }

    /// The table of the process that a task belongs to; nil if it has none, as who has ended and most threads of the
    /// kernel.
    func table(of task: VirtualAddress) throws(ReadError) -> Table? {
        let files = try kernel.pointer(files, at: task)
        guard !files.isNull else { return nil }
        let place = try kernel.pointer(table, at: files)
        let count = try kernel.value(size, at: place)
        guard (0...Self.mostDescriptors).contains(count) else {
            throw .inconsistent("a process has a table of \(count) file descriptors")
        }
        return Table(
            place: place, count: Int(count), files: try kernel.pointer(descriptors, at: place))
    }
}

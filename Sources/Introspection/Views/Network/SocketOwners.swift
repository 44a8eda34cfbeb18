/// Which processes have which files open, by the file's private data: a socket's is its `struct socket`.
struct SocketOwners {
    private let kernel: Kernel
    private let tasks: TaskFinder
    private let files: Field
    private let table: Field
    private let descriptors: Field
    private let count: Field
    private let privateData: Field

    /// A process may have a million descriptors at most, unless fs.nr_open was raised.
    private static let mostDescriptors = 1 << 24

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        tasks = try TaskFinder(kernel)
        let types = try kernel.types()
        files = try types.required("files", of: "task_struct")
        table = try types.required("fdt", of: "files_struct")
        descriptors = try types.required("fd", of: "fdtable")
        count = try types.required("max_fds", of: "fdtable")
        privateData = try types.required("private_data", of: "file")
    }

    /// The owners of each of these sockets. A process whose files cannot be read has none.
    func owners(of sockets: Set<VirtualAddress>) throws(ReadError) -> [VirtualAddress: [SocketOwner]] {
        var owners: [VirtualAddress: [SocketOwner]] = [:]
        guard !sockets.isEmpty else { return owners }
        try tasks.forEachProcess { task throws(ReadError) in
            do throws(ReadError) {
                try add(task, sockets, to: &owners)
            } catch .tooMuch {
                throw .tooMuch
            } catch {
                // It may be just ending.
            }
            return true
        }
        return owners
    }

    private func add(
        _ task: VirtualAddress, _ sockets: Set<VirtualAddress>,
        to owners: inout [VirtualAddress: [SocketOwner]]
    ) throws(ReadError) {
        let files = try kernel.pointer(files, at: task)
        guard !files.isNull else { return }
        let table = try kernel.pointer(table, at: files)
        let count = Int(try kernel.value(count, at: table))
        guard (0...Self.mostDescriptors).contains(count) else {
            throw .inconsistent("a table of \(count) file descriptors")
        }
        let array = ByteTable(
            try kernel.bytes(at: try kernel.pointer(descriptors, at: table), count: count * 8))
        for descriptor in 0..<count {
            guard let file = array.load(UInt64.self, at: descriptor * 8), file != 0,
                let data = try? kernel.pointer(privateData, at: VirtualAddress(file)), sockets.contains(data)
            else { continue }
            owners[data, default: []].append(
                SocketOwner(
                    process: try tasks.number(of: task), name: try tasks.name(of: task),
                    descriptor: descriptor))
        }
    }
}

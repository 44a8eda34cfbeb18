/// Which processes have which files open, by the file's private data: a socket's is its `struct socket`.
struct SocketOwners {
    private let kernel: Kernel
    private let tasks: TaskList
    private let tables: DescriptorTables
    private let privateData: Field

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        tasks = try TaskList(kernel)
        tables = try DescriptorTables(kernel)
        privateData = try kernel.types().required("private_data", of: "file")
    }

    /// The owners of each of these sockets. A process whose files cannot be read has none.
    func owners(of sockets: Set<VirtualAddress>) throws(ReadError) -> [VirtualAddress: [SocketOwner]] {
        var owners: [VirtualAddress: [SocketOwner]] = [:]
        guard !sockets.isEmpty else { return owners }
        for task in try tasks.leaders() {
            do throws(ReadError) {
                try add(task, sockets, to: &owners)
            } catch .tooMuch {
                throw .tooMuch
            } catch {
                // It may be just ending.
            }
        }
        return owners
    }

    private func add(
        _ task: VirtualAddress, _ sockets: Set<VirtualAddress>,
        to owners: inout [VirtualAddress: [SocketOwner]]
    ) throws(ReadError) {
        guard let table = try tables.table(of: task) else { return }
        let array = ByteTable(try kernel.bytes(at: table.files, count: table.count * 8))
        for descriptor in 0..<table.count {
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

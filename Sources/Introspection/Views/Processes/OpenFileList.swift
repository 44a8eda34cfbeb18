/// The files that a process has open, as /proc/PID/fd and fdinfo show them.
public struct OpenFileList {
    private let kernel: Kernel
    private let tasks: TaskList
    private let paths: PathResolver
    private let tables: DescriptorTables
    // Of fdtable.
    private let tableOpen: Field
    private let tableClosing: Field
    // Of file and inode.
    private let filePath: Field
    private let fileInode: Field
    private let fileFlags: Field
    private let filePosition: Field
    private let mode: Field
    private let inodeNumber: Field

    /// - Throws: `missing` if this kernel's open files cannot be followed.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        tasks = try TaskList(kernel)
        paths = try PathResolver(kernel)
        tables = try DescriptorTables(kernel)
        tableOpen = try types.required("open_fds", of: "fdtable")
        tableClosing = try types.required("close_on_exec", of: "fdtable")
        filePath = try types.required("f_path", of: "file")
        fileInode = try types.required("f_inode", of: "file")
        fileFlags = try types.required("f_flags", of: "file")
        filePosition = try types.required("f_pos", of: "file")
        mode = try types.required("i_mode", of: "inode")
        inodeNumber = try types.required("i_ino", of: "inode")
    }

    /// The open files of a process, by descriptor. None of a process that has ended, and of most threads of
    /// the kernel.
    ///
    /// - Parameter number: the process or thread, by its number in the first PID namespace.
    /// - Throws: `notFound` if there is no such process.
    public func read(process number: Int32) throws(IntrospectionError) -> [OpenFileRow] {
        let task = try tasks.task(number)
        return try reading { () throws(ReadError) in
            guard let table = try tables.table(of: task) else { return [] }
            return try rows(of: table)
        }
    }

    private func rows(of table: DescriptorTables.Table) throws(ReadError) -> [OpenFileRow] {
        let open = try kernel.pointer(tableOpen, at: table.place)
        let closing = try kernel.pointer(tableClosing, at: table.place)
        var found: [(descriptor: Int, file: VirtualAddress, closes: Bool)] = []
        for first in stride(from: 0, to: table.count, by: 64) {
            var bits = try kernel.load(UInt64.self, at: open + first / 8)
            guard bits != 0 else { continue }
            let closes = try kernel.load(UInt64.self, at: closing + first / 8)
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits - 1
                guard first + bit < table.count else { break }
                let file = try kernel.pointer(at: table.files + (first + bit) * 8)
                // A descriptor that is taken, but its file is not open yet.
                guard !file.isNull else { continue }
                found.append((first + bit, file, closes >> UInt64(bit) & 1 == 1))
            }
        }
        try kernel.prefetch(
            found.map(\.file), part: filePath.offset..<max(filePath.offset, filePosition.offset) + 16)
        var rows: [OpenFileRow] = []
        var allowance = TextAllowance()
        for item in found {
            var row = try row(item.descriptor, item.file, closesOnExec: item.closes)
            row.path = allowance.take(row.path)
            rows.append(row)
        }
        return rows
    }

    private func row(
        _ descriptor: Int, _ file: VirtualAddress, closesOnExec: Bool
    ) throws(ReadError) -> OpenFileRow {
        let flags = UInt32(truncatingIfNeeded: try kernel.value(fileFlags, at: file))
        let inode = try kernel.pointer(fileInode, at: file)
        // A file that is closed as it is read has lost its inode or its name: the rest is still true.
        return OpenFileRow(
            descriptor: descriptor, kind: (try? kernel.value(mode, at: inode)).map(FileKind.init(mode:)),
            access: OpenFlags.access(flags), flags: OpenFlags.names(flags, closesOnExec: closesOnExec),
            position: try kernel.value(filePosition, at: file),
            inode: try? kernel.load(UInt64.self, at: inode + inodeNumber.offset),
            path: try? paths.path(of: try paths.place(at: file + filePath.offset)).text, file: file)
    }
}

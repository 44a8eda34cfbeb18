/// The file systems mounted in a process's mount namespace, as /proc/PID/mounts shows them.
public struct MountList {
    private let kernel: Kernel
    private let tasks: TaskList
    private let paths: PathResolver
    // Of task_struct, nsproxy and fs_struct.
    private let proxy: Field
    private let namespace: Field
    private let fileSystem: Field
    private let root: Field
    private let links: Links
    // Of mount and vfsmount.
    private let mountPart: Field
    private let mountNumber: Field
    private let mountSource: Field
    private let mountFlags: Field
    private let mountRoot: Field
    private let mountSystem: Field
    // Of super_block and file_system_type.
    private let systemFlags: Field
    private let systemType: Field
    private let systemSubtype: Field?
    private let typeName: Field

    /// How the mounts of a namespace hang together.
    private enum Links {
        /// Before Linux 6.8: a list.
        case list(head: Field, link: Field)
        /// Since: a red-black tree.
        case tree(root: Field, node: Field)
    }

    /// fs.mount-max is 100000 unless someone raised it.
    private static let mostMounts = 1 << 20
    /// MNT_CURSOR (include/linux/mount.h, Linux 5.8 to 6.7): a reader's place in the list.
    private static let isCursor: Int64 = 0x1000_0000

    /// - Throws: `missing` if this kernel's mounts cannot be followed.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        tasks = try TaskList(kernel)
        paths = try PathResolver(kernel)
        proxy = try types.required("nsproxy", of: "task_struct")
        namespace = try types.required("mnt_ns", of: "nsproxy")
        fileSystem = try types.required("fs", of: "task_struct")
        root = try types.required("root", of: "fs_struct")
        if let node = types.field("mnt_node", of: "mount") {
            links = .tree(root: try types.required("mounts", of: "mnt_namespace"), node: node)
        } else {
            links = .list(
                head: try types.required("list", of: "mnt_namespace"),
                link: try types.required("mnt_list", of: "mount"))
        }
        mountPart = try types.required("mnt", of: "mount")
        mountNumber = try types.required("mnt_id", of: "mount")
        mountSource = try types.required("mnt_devname", of: "mount")
        mountFlags = try types.required("mnt_flags", of: "vfsmount")
        mountRoot = try types.required("mnt_root", of: "vfsmount")
        mountSystem = try types.required("mnt_sb", of: "vfsmount")
        systemFlags = try types.required("s_flags", of: "super_block")
        systemType = try types.required("s_type", of: "super_block")
        systemSubtype = types.field("s_subtype", of: "super_block")
        typeName = try types.required("name", of: "file_system_type")
    }

    /// What is mounted in the namespace of a process, as far as it can be reached from the process's root.
    ///
    /// - Parameter number: the process, by its number in the first PID namespace: 1 for init.
    /// - Throws: `notFound` if there is no such process, or it has ended.
    public func read(process number: Int32 = 1) throws(IntrospectionError) -> [MountRow] {
        let task = try tasks.task(number)
        let rows = try reading { () throws(ReadError) -> [MountRow]? in
            let proxy = try kernel.pointer(proxy, at: task)
            let fileSystem = try kernel.pointer(fileSystem, at: task)
            guard !proxy.isNull, !fileSystem.isNull else { return nil }
            let mounts = try mounts(of: try kernel.pointer(namespace, at: proxy))
            let root = try paths.place(at: fileSystem + root.offset)
            var rows: [MountRow] = []
            var allowance = TextAllowance()
            for mount in mounts {
                guard let row = try row(of: mount, root: root) else { continue }
                guard allowance.take(row.source) != nil, allowance.take(row.point) != nil else {
                    throw .tooMuch
                }
                rows.append(row)
            }
            return rows
        }
        guard let rows else { throw .notFound("process \(number) has ended: it has no mounts any more") }
        return rows
    }

    private func mounts(of namespace: VirtualAddress) throws(ReadError) -> [VirtualAddress] {
        var found: [VirtualAddress] = []
        func add(_ mount: VirtualAddress) -> Bool {
            found.append(mount)
            return true
        }
        switch links {
        case .list(let head, let link):
            try kernel.forEach(
                inListAt: namespace + head.offset, offset: link.offset, limit: Self.mostMounts
            ) { mount throws(ReadError) in add(mount) }
        case .tree(let root, let node):
            try kernel.forEach(
                inTreeAt: namespace + root.offset, offset: node.offset, limit: Self.mostMounts
            ) { mount throws(ReadError) in add(mount) }
        }
        return found
    }

    /// A mount's row; nil if the process cannot reach it.
    private func row(of mount: VirtualAddress, root: FilePlace) throws(ReadError) -> MountRow? {
        let part = mount + mountPart.offset
        let flags = try kernel.value(mountFlags, at: part)
        // Reading the rest of a cursor would be reading zeros.
        if case .list = links, flags & Self.isCursor != 0 { return nil }
        let top = FilePlace(mount: part, entry: try kernel.pointer(mountRoot, at: part))
        let point = try paths.path(of: top, root: root)
        guard point.isReachable else { return nil }
        let source = try kernel.pointer(mountSource, at: mount)
        let system = try kernel.pointer(mountSystem, at: part)
        let systemFlags = try kernel.load(UInt64.self, at: system + systemFlags.offset)
        return MountRow(
            number: try kernel.value(mountNumber, at: mount),
            source: source.isNull ? "none" : try kernel.text(at: source), point: point.text,
            type: try typeText(of: system),
            options: MountOptions.names(mount: UInt64(bitPattern: flags), system: systemFlags))
    }

    private func typeText(of system: VirtualAddress) throws(ReadError) -> String {
        let type = try kernel.pointer(systemType, at: system)
        let name = try kernel.text(at: try kernel.pointer(typeName, at: type), limit: 256)
        guard let systemSubtype else { return name }
        let subtype = try kernel.pointer(systemSubtype, at: system)
        return subtype.isNull ? name : "\(name).\(try kernel.text(at: subtype, limit: 256))"
    }
}

/// A file's path as the kernel would tell it.
public struct ResolvedPath: Equatable, Sendable {
    /// The path, or what the file is called that has none: `socket:[4711]`, `pipe:[815]`,
    /// `anon_inode:[eventfd]`. ` (deleted)` is behind the path of a file without a name.
    public let text: String
    /// Whether the path begins at the root that was given; without one whether it ends anywhere.
    public let isReachable: Bool
}

/// A place in the tree of files: the kernel's `struct path`.
public struct FilePlace: Hashable, Sendable {
    /// The mounted file system: a `struct vfsmount`.
    public let mount: VirtualAddress
    /// The name in it: a `struct dentry`.
    public let entry: VirtualAddress

    /// Both as given.
    public init(mount: VirtualAddress, entry: VirtualAddress) {
        self.mount = mount
        self.entry = entry
    }
}

/// Finds paths of files: names up to the root of the file system, across mounts up to the root of the mount
/// namespace (Linux, fs/d_path.c).
public struct PathResolver {
    private let kernel: Kernel
    // Of path.
    private let pathMount: Field
    private let pathEntry: Field
    // Of dentry.
    private let parent: Field
    private let name: Field
    private let inode: Field
    private let operations: Field
    private let hashed: Field
    // Of mount and the vfsmount in it.
    private let mountPart: Field
    private let mountParent: Field
    private let mountPoint: Field
    private let mountRoot: Field
    // Of inode and dentry_operations.
    private let inodeNumber: Field
    private let inodePrivate: Field?
    private let namer: Field
    // Of what namespaces are files of.
    private let namespaceOperations: Field?
    private let namespaceName: Field?
    /// Functions that make up names.
    private let namers: [VirtualAddress: Namer]

    /// How a name is made up that is in no directory.
    private enum Namer {
        case socket, pipe, anonymous, namespace, unlinked, buffer, process
    }

    /// PATH_MAX: of longer paths the kernel tells none either.
    private static let longestPath = 4096
    /// Names and mounts on the way to the root: a name takes two bytes of a path, and mounts take none.
    private static let mostSteps = 4096
    /// NAME_MAX is 255; made-up names may have a little more.
    private static let longestName = 512

    /// - Throws: `missing` if this kernel's names cannot be followed.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        pathMount = try types.required("mnt", of: "path")
        pathEntry = try types.required("dentry", of: "path")
        parent = try types.required("d_parent", of: "dentry")
        name = try types.required("d_name.name", of: "dentry")
        inode = try types.required("d_inode", of: "dentry")
        operations = try types.required("d_op", of: "dentry")
        hashed = try types.required("d_hash.pprev", of: "dentry")
        mountPart = try types.required("mnt", of: "mount")
        mountParent = try types.required("mnt_parent", of: "mount")
        mountPoint = try types.required("mnt_mountpoint", of: "mount")
        mountRoot = try types.required("mnt_root", of: "vfsmount")
        inodeNumber = try types.required("i_ino", of: "inode")
        inodePrivate = types.field("i_private", of: "inode")
        namer = try types.required("d_dname", of: "dentry_operations")
        namespaceOperations = types.field("ops", of: "ns_common")
        namespaceName = types.field("name", of: "proc_ns_operations")
        let known: [(String, Namer)] = [
            ("sockfs_dname", .socket), ("pipefs_dname", .pipe), ("anon_inodefs_dname", .anonymous),
            ("ns_dname", .namespace), ("simple_dname", .unlinked), ("dmabuffs_dname", .buffer),
            ("pidfs_dname", .process),
        ]
        var namers: [VirtualAddress: Namer] = [:]
        for (symbol, kind) in known {
            if let address = kernel.symbols.address(of: symbol) { namers[address] = kind }
        }
        self.namers = namers
    }

    /// The place that a `struct path` holds.
    public func place(at address: VirtualAddress) throws(ReadError) -> FilePlace {
        FilePlace(
            mount: try kernel.pointer(pathMount, at: address),
            entry: try kernel.pointer(pathEntry, at: address))
    }

    /// The path of a place.
    ///
    /// - Parameter root: where paths begin, as a process's root; nil for the root of the place's own mount
    ///   namespace.
    public func path(of place: FilePlace, root: FilePlace? = nil) throws(ReadError) -> ResolvedPath {
        if let text = try madeUpName(of: place) { return ResolvedPath(text: text, isReachable: true) }
        var names: [String] = []
        var length = 0
        var isReachable = root == nil
        var entry = place.entry
        var mount = place.mount
        var steps = 0
        while true {
            if let root, entry == root.entry, mount == root.mount {
                isReachable = true
                break
            }
            steps += 1
            guard steps <= Self.mostSteps else { throw .inconsistent("the path of a file has no end") }
            if try kernel.pointer(mountRoot, at: mount) == entry {
                let structure = mount - mountPart.offset
                let above = try kernel.pointer(mountParent, at: structure)
                // The first mount of a namespace, or one that is mounted nowhere, is its own parent.
                guard above != structure else { break }
                entry = try kernel.pointer(mountPoint, at: structure)
                mount = above + mountPart.offset
                continue
            }
            let above = try kernel.pointer(parent, at: entry)
            // A root that no mount shows: moved out of what is mounted.
            guard above != entry else {
                isReachable = false
                break
            }
            let name = try nameText(of: entry)
            names.append(name)
            length += name.utf8.count + 1
            guard length <= Self.longestPath else { throw .inconsistent("the path of a file is too long") }
            entry = above
        }
        let text = "/" + names.reversed().joined(separator: "/")
        return ResolvedPath(
            text: try isUnlinked(place.entry) ? text + " (deleted)" : text, isReachable: isReachable)
    }

    /// Whether a name was removed from its directory: it is in no hash table, and no root.
    private func isUnlinked(_ entry: VirtualAddress) throws(ReadError) -> Bool {
        guard try kernel.pointer(hashed, at: entry).isNull else { return false }
        return try kernel.pointer(parent, at: entry) != entry
    }

    private func nameText(of entry: VirtualAddress) throws(ReadError) -> String {
        try kernel.text(at: try kernel.pointer(name, at: entry), limit: Self.longestName)
    }

    /// The name of a file that is in no directory; nil if it is in one.
    private func madeUpName(of place: FilePlace) throws(ReadError) -> String? {
        let table = try kernel.pointer(operations, at: place.entry)
        guard !table.isNull else { return nil }
        let function = try kernel.pointer(namer, at: table)
        guard !function.isNull else { return nil }
        // The root of such a file system, if it is mounted, has an ordinary path.
        if try kernel.pointer(parent, at: place.entry) == place.entry,
            try kernel.pointer(mountRoot, at: place.mount) == place.entry
        {
            return nil
        }
        let node = try kernel.pointer(inode, at: place.entry)
        func number() throws(ReadError) -> UInt64 {
            try kernel.load(UInt64.self, at: node + inodeNumber.offset)
        }
        switch namers[function] {
        case .socket: return "socket:[\(try number())]"
        case .pipe: return "pipe:[\(try number())]"
        case .anonymous: return "anon_inode:\(try nameText(of: place.entry))"
        case .unlinked: return "/\(try nameText(of: place.entry)) (deleted)"
        case .buffer: return "/dmabuf:\(try nameText(of: place.entry))"
        case .process: return "anon_inode:[pidfd]"
        case .namespace: return "\(try namespaceKind(of: node)):[\(try number())]"
        case nil: return try nameText(of: place.entry)
        }
    }

    /// What a namespace is one of: `mnt`, `net`, `pid`…
    private func namespaceKind(of node: VirtualAddress) throws(ReadError) -> String {
        guard let inodePrivate, let namespaceOperations, let namespaceName else { return "ns" }
        let namespace = try kernel.pointer(inodePrivate, at: node)
        let operations = try kernel.pointer(namespaceOperations, at: namespace)
        return try kernel.text(at: try kernel.pointer(namespaceName, at: operations), limit: 64)
    }
}

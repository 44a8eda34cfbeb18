@testable import Introspection

/// Directories and mounts made by hand: names, and where file systems are mounted.
final class FileTreeFixture {
    let machine: KernelFixture
    let firstMount: VirtualAddress
    let firstRoot: VirtualAddress

    /// A dentry: parent 0, inode 8, name 16, operations 24, pprev 32. A mount: parent 0, mount point 8, and at
    /// 16 its vfsmount with root, super block and flags.
    ///
    /// - Parameter inodeMembers: what else a test needs in an inode, from byte 16 on.
    init(_ machine: KernelFixture, inodeMembers: [(String, TypeDescription.Kind, Int)] = []) {
        self.machine = machine
        machine.describe("path", size: 16, [("mnt", .number(8), 0), ("dentry", .number(8), 8)])
        machine.describe("qstr", size: 8, [("name", .number(8), 0)])
        machine.describe("hlist_bl_node", size: 8, [("pprev", .number(8), 0)])
        machine.describe(
            "dentry", size: 40,
            [
                ("d_parent", .number(8), 0), ("d_inode", .number(8), 8), ("d_name", .structure("qstr"), 16),
                ("d_op", .number(8), 24), ("d_hash", .structure("hlist_bl_node"), 32),
            ])
        machine.describe(
            "vfsmount", size: 24,
            [("mnt_root", .number(8), 0), ("mnt_sb", .number(8), 8), ("mnt_flags", .signed(4), 16)])
        machine.describe(
            "mount", size: 72,
            [
                ("mnt_parent", .number(8), 0), ("mnt_mountpoint", .number(8), 8),
                ("mnt", .structure("vfsmount"), 16), ("mnt_devname", .number(8), 40),
                ("mnt_id", .signed(4), 48), ("mnt_list", .numbers(bytes: 8, count: 2), 56),
            ])
        machine.describe(
            "inode", size: 24,
            [("i_ino", .number(8), 0), ("i_private", .number(8), 8)] + inodeMembers)
        machine.describe("dentry_operations", size: 8, [("d_dname", .number(8), 0)])
        machine.describe("ns_common", size: 8, [("ops", .number(8), 0)])
        machine.describe("proc_ns_operations", size: 8, [("name", .number(8), 0)])
        firstRoot = machine.allocate(40)
        firstMount = machine.allocate(72)
        machine.store(firstRoot, at: firstRoot)
        machine.store(firstMount, at: firstMount)
        machine.store(firstRoot, at: firstMount + 16)
    }

    /// A name in a directory; `isHashed` unless it was removed.
    func entry(_ name: String, in parent: VirtualAddress?, isHashed: Bool = true) -> VirtualAddress {
        let entry = machine.allocate(40)
        machine.store(parent ?? entry, at: entry)
        machine.store(machine.text(name), at: entry + 16)
        machine.store(isHashed ? 0xFFFF_8880_0000_0008 : 0, at: entry + 32)
        return entry
    }

    /// A file system with its own root, mounted at a directory of the first one.
    func mount(at point: VirtualAddress, of parent: VirtualAddress) -> (
        VirtualAddress, VirtualAddress
    ) {
        let mount = machine.allocate(72)
        let root = entry("/", in: nil, isHashed: false)
        machine.store(parent, at: mount)
        machine.store(point, at: mount + 8)
        machine.store(root, at: mount + 16)
        return (mount, root)
    }
}

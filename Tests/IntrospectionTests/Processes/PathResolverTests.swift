import Testing

@testable import Introspection

@Suite("Paths of files") struct PathResolverTests {
    private let tree: FileTreeFixture
    private var machine: KernelFixture { tree.machine }
    private var firstMount: VirtualAddress { tree.firstMount }
    private var firstRoot: VirtualAddress { tree.firstRoot }

    init() {
        tree = FileTreeFixture(KernelFixture())
    }

    private func entry(_ name: String, in parent: VirtualAddress?, isHashed: Bool = true) -> VirtualAddress {
        tree.entry(name, in: parent, isHashed: isHashed)
    }

    private func mount(at point: VirtualAddress, of parent: VirtualAddress) -> (
        VirtualAddress, VirtualAddress
    ) {
        tree.mount(at: point, of: parent)
    }

    private func path(
        _ mount: VirtualAddress, _ entry: VirtualAddress, root: FilePlace? = nil
    ) throws -> ResolvedPath {
        try PathResolver(machine.kernel()).path(of: FilePlace(mount: mount + 16, entry: entry), root: root)
    }

    @Test("Names up to the root, across mounts; the root itself is /") func names() throws {
        let variable = entry("var", in: firstRoot)
        let log = entry("log", in: variable)
        #expect(try path(firstMount, firstRoot).text == "/")
        #expect(try path(firstMount, log) == ResolvedPath(text: "/var/log", isReachable: true))
        let (mount, root) = mount(at: log, of: firstMount)
        #expect(try path(mount, root).text == "/var/log")
        #expect(try path(mount, entry("a b", in: root)).text == "/var/log/a b")
    }

    @Test("A removed file is told as /proc tells it") func deleted() throws {
        let file = entry("x", in: entry("tmp", in: firstRoot), isHashed: false)
        #expect(try path(firstMount, file).text == "/tmp/x (deleted)")
    }

    @Test("From a process's own root; what lies outside cannot be reached") func root() throws {
        let jail = entry("jail", in: firstRoot)
        let inside = entry("bin", in: jail)
        let root = FilePlace(mount: firstMount + 16, entry: jail)
        #expect(try path(firstMount, inside, root: root) == ResolvedPath(text: "/bin", isReachable: true))
        #expect(try path(firstMount, jail, root: root) == ResolvedPath(text: "/", isReachable: true))
        #expect(try !path(firstMount, entry("etc", in: firstRoot), root: root).isReachable)
    }

    @Test(
        "Sockets, pipes and what has no name in a directory",
        arguments: [
            ("sockfs_dname", "socket:[4711]"), ("pipefs_dname", "pipe:[4711]"),
            ("anon_inodefs_dname", "anon_inode:[eventfd]"), ("simple_dname", "/[eventfd] (deleted)"),
            ("ns_dname", "net:[4711]"), ("pidfs_dname", "anon_inode:[pidfd]"), ("unheard_of", "[eventfd]"),
        ])
    func madeUp(function: String, expected: String) throws {
        let code = machine.allocate(16)
        machine.name(function, code)
        let operations = machine.allocate(8)
        machine.store(KernelFixture.inImage(code), at: operations)
        let namespace = machine.allocate(8)
        let namespaceOperations = machine.allocate(8)
        machine.store(namespaceOperations, at: namespace)
        machine.store(machine.text("net"), at: namespaceOperations)
        let inode = machine.allocate(16)
        machine.store(4711 as UInt64, at: inode)
        machine.store(namespace, at: inode + 8)
        let file = entry("[eventfd]", in: nil)
        machine.store(inode, at: file + 8)
        machine.store(operations, at: file + 24)
        #expect(try path(firstMount, file).text == expected)
    }

    @Test("Directories and mounts in a circle are said, not followed") func circles() throws {
        let one = entry("one", in: nil)
        let two = entry("two", in: one)
        machine.store(two, at: one)
        #expect(throws: ReadError.inconsistent("the path of a file is too long")) {
            try path(firstMount, one)
        }
        let (upper, upperRoot) = mount(at: firstRoot, of: firstMount)
        let (lower, lowerRoot) = mount(at: upperRoot, of: upper)
        machine.store(lowerRoot, at: upper + 8)
        machine.store(lower, at: upper)
        #expect(throws: ReadError.inconsistent("the path of a file has no end")) {
            try path(lower, lowerRoot)
        }
        #expect(throws: ReadError.self) { try path(firstMount, VirtualAddress(0x4141)) }
    }
}

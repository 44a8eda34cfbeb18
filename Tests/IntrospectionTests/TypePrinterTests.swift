import Testing

@testable import Introspection

@Suite("Declarations of types") struct TypePrinterTests {
    private static func types() throws -> TypeTable { try TypeTable(bytes()) }

    private static func bytes() -> [UInt8] {
        var types = BTFImage()
        let int = types.integer("int", size: 4, isSigned: true)
        let unsigned = types.integer("unsigned int", size: 4)
        let char = types.integer("char", size: 1)
        let long = types.integer("long int", size: 8, isSigned: true)
        let task = int + 13
        let pointer = types.pointer(to: task)
        let constant = types.constant(char)
        let text = types.pointer(to: constant)
        let prototype = types.function(returns: int, [pointer, text, 0])
        let callback = types.pointer(to: prototype)
        let names = types.array(of: char, count: 16)
        let inner = types.structure("", size: 8, [("low", int, 0), ("high", int, 4)])
        let union = types.union(size: 8, [("all", long), ("", inner)])
        let state = types.enumeration("state", [("RUNNING", 0), ("SLEEPING", 5)])
        #expect(
            types.bitFields(
                "task", size: 72,
                [
                    ("flags", unsigned, 0, 3), ("busy", unsigned, 3, 1), ("next", pointer, 64, 0),
                    ("run", callback, 128, 0), ("comm", names, 192, 0), ("", union, 320, 0),
                    ("state", state, 384, 0), ("end", char, 512, 0),
                ]) == task)
        types.typeName("task_t", task)
        let unnamedState = types.enumeration("", [("DOWN", 0), ("UP", 1)])
        types.bitFields("link", size: 8, [("state", unnamedState, 16, 16), ("kind", unnamedState, 32, 0)])
        let unnamed = types.structure("", size: 4, [("counter", int, 0)])
        types.typeName("atomic_t", unnamed)
        return types.bytes
    }

    @Test("A structure as pahole has it") func structure() throws {
        let lines = try TypeView(Self.types()).read("task")
        #expect(
            lines == [
                "struct task {",
                "\tunsigned int               flags:3;              /*     0: 0   4 */",
                "\tunsigned int               busy:1;               /*     0: 3   4 */", "",
                "\t/* XXX 7 bytes hole, try to pack */", "",
                "\tstruct task *              next;                 /*     8     8 */",
                "\tint                        (*run)(struct task *, const char *, ...); /*    16     8 */",
                "\tchar                       comm[16];             /*    24    16 */", "\tunion {",
                "\t\tlong int                   all;                  /*    40     8 */", "\t\tstruct {",
                "\t\t\tint                        low;                  /*    40     4 */",
                "\t\t\tint                        high;                 /*    44     4 */",
                "\t\t}; /*    40     8 */", "\t}; /*    40     8 */",
                "\tenum state                 state;                /*    48     4 */", "",
                "\t/* XXX 12 bytes hole, try to pack */", "",
                "\t/* --- cacheline 1 boundary (64 bytes) --- */",
                "\tchar                       end;                  /*    64     1 */", "",
                "\t/* size: 72, cachelines: 2, members: 8 */", "\t/* sum holes: 19, holes: 2 */",
                "\t/* padding: 7 */", "\t/* last cacheline: 8 bytes */", "};",
            ])
    }

    @Test("A member that is an unnamed enumeration tells where it lies") func unnamedEnumerations() throws {
        #expect(
            try TypeView(Self.types()).read("link").prefix(9) == [
                "struct link {", "", "\t/* XXX 2 bytes hole, try to pack */", "", "\tenum {", "\t\tDOWN = 0,",
                "\t\tUP   = 1,", "\t} state:16; /*     0:16   4 */", "\tenum {",
            ])
        let member = try TypeView(Self.types()).read("link.kind")
        #expect(member.suffix(2) == ["\t} kind; /*     4     4 */", "};"])
    }

    @Test("Enumerations and type names") func others() throws {
        let view = TypeView(try Self.types())
        #expect(
            try view.read("enum state") == [
                "enum state {", "\tRUNNING  = 0,", "\tSLEEPING = 5,", "}; /* size: 4 */",
            ])
        #expect(try view.read("task_t") == ["typedef struct task task_t; /* size: 72 */"])
        #expect(try view.read("atomic_t").first == "typedef struct {")
        #expect(try view.read("atomic_t").last == "} atomic_t;")
        #expect(try view.read("int") == ["int; /* size: 4 */"])
    }

    @Test("One member, inside unnamed ones and behind type names too") func members() throws {
        let view = TypeView(try Self.types())
        #expect(
            try view.read("task.high") == [
                "struct task {", "\tint                        high;                 /*    44     4 */", "};",
            ])
        #expect(try view.read("task_t.comm") == view.read("task.comm"))
        #expect(throws: IntrospectionError.notFound("struct task has no member gone")) {
            try view.read("task.gone")
        }
        #expect(throws: IntrospectionError.self) { try view.read("task.next.comm") }
        #expect(throws: IntrospectionError.notFound("the kernel has no type gone")) { try view.read("gone") }
        #expect(throws: IntrospectionError.self) { try view.read("union task") }
        #expect(throws: IntrospectionError.self) { try view.read(".") }
    }

    @Test("A structure in itself comes to an end") func endless() throws {
        var types = BTFImage()
        types.structure("", size: 8, [("a", 1, 0), ("b", 1, 0), ("c", 1, 0)])
        types.structure("knot", size: 8, [("", 1, 0)])
        let lines = try TypeView(try types.table()).read("knot")
        #expect(lines.first == "struct knot {")
        #expect(lines.count <= 10_001)
    }

    @Test("Whatever byte is wrong, what is printed ends", arguments: [0xFF, 0x80, 0x05] as [UInt8])
    func damaged(value: UInt8) {
        let whole = Self.bytes()
        var printed = 0
        for place in whole.indices.dropFirst(24) {
            var bytes = whole
            bytes[place] = value
            guard let types = try? TypeTable(bytes) else { continue }
            for name in ["task", "state", "task_t", "atomic_t", "task.high"] {
                if let lines = try? TypeView(types).read(name) {
                    printed += 1
                    #expect(lines.count <= 10_001)
                }
            }
        }
        #expect(printed > 1000)
    }

    @Test("A module's types count on from the kernel's") func module() throws {
        var kernel = BTFImage()
        let int = kernel.integer("int", size: 4)
        var module = BTFImage(after: kernel)
        module.structure("queue", size: 8, [("length", int, 4)])
        let types = try TypeTable(try kernel.table(), and: module.bytes)
        #expect(types.field("length", of: "queue")?.offset == 4)
        #expect(types.field("length", of: "queue")?.size == 4)
        #expect(throws: TypeTable.Failure.notTypes) { try TypeTable(try kernel.table(), and: [1, 2, 3]) }
    }
}

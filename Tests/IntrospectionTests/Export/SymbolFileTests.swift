import Foundation
import GuestMemory
import MachineTesting
import Testing

@testable import Introspection

/// A symbol file as any reader of JSON sees it.
struct ReadSymbolFile {
    private let root: [String: Any]

    init(_ bytes: [UInt8]) throws {
        guard let root = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
            throw TestFailure("the symbol file is no object")
        }
        self.root = root
    }

    /// A part of it by its way: `["user_types", "task_struct", "size"]`.
    func callAsFunction(_ way: String...) throws -> Any { try part(way) }

    func number(_ way: String...) throws -> Int {
        guard let number = try part(way) as? Int else { throw TestFailure("\(way) is no number") }
        return number
    }

    private func part(_ way: [String]) throws -> Any {
        try way.reduce(root) { whole, name in
            guard let part = (whole as? [String: Any])?[name] else { throw TestFailure("there is no \(way)") }
            return part
        }
    }

    /// The names in a part: `user_types`.
    func names(_ part: String) -> Set<String> { Set((root[part] as? [String: Any] ?? [:]).keys) }

    /// A type as C has it, but its words in the order of reading: `pointer to array 3 of struct task`.
    static func text(_ type: Any?) -> String {
        guard let type = type as? [String: Any], let kind = type["kind"] as? String else { return "nothing" }
        let part = text(type["subtype"])
        switch kind {
        case "base": return type["name"] as? String ?? "?"
        case "pointer": return "pointer to \(part)"
        case "array": return "array \(type["count"] ?? "?") of \(part)"
        case "bitfield":
            return
                "bits \(type["bit_position"] ?? "?")+\(type["bit_length"] ?? "?") of \(text(type["type"]))"
        case "struct", "union", "enum": return "\(kind) \(type["name"] ?? "?")"
        default: return kind
        }
    }

    /// Members of a structure: `flags 0 bits 0+3 of unsigned int`.
    func fields(_ structure: String) throws -> Set<String> {
        guard let fields = try self("user_types", structure, "fields") as? [String: [String: Any]] else {
            throw TestFailure("\(structure) has no fields")
        }
        return Set(
            fields.map { name, field in
                let isAnonymous = field["anonymous"] as? Bool == true ? " anonymous" : ""
                return "\(name) \(field["offset"] ?? "?") \(Self.text(field["type"]))\(isAnonymous)"
            })
    }
}

@Suite("Symbol files of types and symbols made by hand") struct SymbolFileTests {
    private static let banner = "Linux version 6.1.0-handmade (\"quoted\\\") #1\n"
    private static let bannerPlace = 0x2000
    private static let slide: UInt64 = 0x1C00_0000
    /// What a hostile guest may call a thing: quotes, controls, and a letter of two units in UTF-16.
    private static let wildName = "we\"ird\\\u{1B}[2J\u{1F427}"

    static func handmadeTypes() throws -> BTFImage {
        var types = BTFImage()
        let int = types.integer("int", size: 4, isSigned: true)
        let unsigned = types.integer("unsigned int", size: 4)
        let char = types.integer("char", size: 1, isSigned: true)
        let long = types.integer("long int", size: 8, isSigned: true)
        let wide = types.integer("unsigned __int128", size: 16)
        let flag = types.integer("_Bool", size: 1)
        let task = flag + 15
        let pointer = types.pointer(to: types.constant(task))
        let prototype = types.function(returns: int, [pointer])
        let callback = types.pointer(to: prototype)
        let row = types.array(of: int, count: 3)
        let table = types.array(of: row, count: 2)
        let inner = types.structure("", size: 8, [("low", int, 0), ("high", int, 4)])
        let union = types.union(size: 8, [("all", long), ("", inner)])
        let state = types.enumeration("state", [("RUNNING", 0), ("SLEEPING", 5)])
        let counter = types.structure("", size: 4, [("counter", int, 0)])
        let atomic = types.typeName("atomic_t", counter)
        let unknown = types.pointer(to: types.add("nowhere", kind: 7, value: 0))
        let nothing = types.pointer()
        #expect(
            types.bitFields(
                "task", size: 112,
                [
                    ("flags", unsigned, 0, 3), ("busy", unsigned, 3, 1), ("late", unsigned, 37, 27),
                    ("next", pointer, 64, 0), ("run", callback, 128, 0), ("table", table, 192, 0),
                    ("", union, 384, 0), ("state", state, 448, 0), ("usage", atomic, 480, 0),
                    ("unknown", unknown, 512, 0), ("data", nothing, 576, 0), ("end", char, 640, 0),
                    ("isLast", flag, 648, 0), ("wide", wide, 768, 0),
                ]) == task)
        // A smaller one of the same name is another's.
        types.structure("task", size: 4, [("other", int, 0)])
        types.structure(wildName, size: 8, [(wildName, long, 0)])
        return types
    }

    /// A kernel of which there are these types, some symbols, and a banner.
    static func kernel(with types: TypeTable) -> Kernel {
        let image = HandmadeKernel.image + slide
        let symbols: [(String, UInt64)] = [
            ("linux_banner", HandmadeKernel.address(bannerPlace).rawValue), ("_text", image),
            ("init_task", image + 0x1234), ("modules", image + 0x2000), ("current_task", 0x1_F440),
            (wildName, image + 0x3000),
        ]
        return Kernel(
            image: GuestImage(memory()),
            mapping: ImageMapping(
                space: AddressSpace(cr3: 0), start: VirtualAddress(image), physical: GuestAddress(0), size: 0),
            profile: KernelProfile(
                buildID: [], symbols: HandmadeKernel.table(symbols), types: types), isProfileNew: true)
    }

    private static func file() throws -> ReadSymbolFile {
        try ReadSymbolFile(SymbolFile(kernel(with: handmadeTypes().table())).text())
    }

    @Test("Structures with bit fields, pointers, arrays, functions and unnamed parts") func structures()
        throws
    {
        let file = try Self.file()
        #expect(try file("user_types", "task", "kind") as? String == "struct")
        #expect(try file.number("user_types", "task", "size") == 112)
        let fields = try file.fields("task")
        let union = try #require(fields.first { $0.hasPrefix("unnamed_field_6 48 union unnamed_") })
        #expect(union.hasSuffix(" anonymous"))
        #expect(
            fields.subtracting([union]) == [
                "flags 0 bits 0+3 of unsigned int", "busy 0 bits 3+1 of unsigned int",
                "late 4 bits 5+27 of unsigned int", "next 8 pointer to struct task",
                "run 16 pointer to function",
                "table 24 array 2 of array 3 of int", "state 56 enum state", "usage 60 struct atomic_t",
                "unknown 64 pointer to void", "data 72 pointer to void", "end 80 char", "isLast 81 _Bool",
                "wide 96 unsigned __int128",
            ])
        let name = String(union.split(separator: " ")[3])
        #expect(try file("user_types", name, "kind") as? String == "union")
        let parts = try file.fields(name)
        #expect(parts.contains("all 0 long int") && parts.count == 2)
        let inner = try #require(parts.first { $0.hasPrefix("unnamed_field_1 0 struct ") }).split(
            separator: " ")
        #expect(try file.fields(String(inner[3])) == ["low 0 int", "high 4 int"])
    }

    @Test("Every type that is named by a field is described") func names() throws {
        let file = try Self.file()
        let others = file.names("user_types").filter { $0.hasPrefix("task__") }
        #expect(others.count == 1)
        #expect(try file.fields(try #require(others.first)) == ["other 0 int"])
        #expect(try file.fields(Self.wildName) == ["\(Self.wildName) 0 long int"])
        #expect(try file.fields("atomic_t") == ["counter 0 int"])
    }

    @Test("Base types have size, sign and kind; those that readers take for granted are there") func bases()
        throws
    {
        let file = try Self.file()
        for (name, size, isSigned, kind) in [
            ("int", 4, true, "int"), ("unsigned int", 4, false, "int"), ("char", 1, true, "char"),
            ("long int", 8, true, "int"), ("unsigned __int128", 16, false, "int"),
            ("_Bool", 1, false, "bool"),
            ("pointer", 8, false, "int"), ("void", 0, false, "void"), ("long unsigned int", 8, false, "int"),
        ] {
            #expect(try file.number("base_types", name, "size") == size, "\(name)")
            #expect(try file("base_types", name, "signed") as? Bool == isSigned, "\(name)")
            #expect(try file("base_types", name, "kind") as? String == kind, "\(name)")
            #expect(try file("base_types", name, "endian") as? String == "little", "\(name)")
        }
    }

    @Test("Enumerations have their constants, of any size and sign") func enumerations() throws {
        var types = BTFImage()
        types.enumeration("state", [("RUNNING", 0), ("SLEEPING", 5)])
        types.enumeration("error", [("NONE", 0), ("LOST", -1)])
        types.enumeration64("far", [("TOP", .max), ("BOTTOM", .min)])
        let kernel = HandmadeKernel.make(
            Self.memory(), symbols: [("linux_banner", HandmadeKernel.address(Self.bannerPlace).rawValue)],
            types: try TypeTable(types.bytes))
        let file = try ReadSymbolFile(SymbolFile(kernel).text())
        #expect(file.names("enums") == ["state", "error", "far"])
        #expect(try file("enums", "state", "constants") as? [String: Int] == ["RUNNING": 0, "SLEEPING": 5])
        #expect(try file("enums", "error", "constants") as? [String: Int] == ["NONE": 0, "LOST": -1])
        #expect(try file("enums", "far", "constants") as? [String: Int] == ["TOP": .max, "BOTTOM": .min])
        for (name, size, base) in [("state", 4, "unsigned int"), ("error", 4, "int"), ("far", 8, "long")] {
            #expect(try file.number("enums", name, "size") == size)
            #expect(try file("enums", name, "base") as? String == base)
            #expect(try file.number("base_types", base, "size") == size)
        }
    }

    /// With the banner at its place.
    private static func memory() -> MemorySource {
        let memory = MemorySource(size: 1 << 16)
        for (index, byte) in banner.utf8.enumerated() { memory.memory[bannerPlace + index] = byte }
        return memory
    }

    @Test("Symbols lie where they do without randomisation; per-CPU ones are not moved") func symbols() throws
    {
        let file = try Self.file()
        func address(_ name: String) throws -> UInt64? {
            (try file("symbols", name, "address") as? NSNumber)?.uint64Value
        }
        #expect(try address("_text") == HandmadeKernel.image)
        #expect(try address("init_task") == HandmadeKernel.image + 0x1234)
        #expect(try address(Self.wildName) == HandmadeKernel.image + 0x3000)
        #expect(try address("current_task") == 0x1_F440)
        // The types that the source declares, if there are such.
        #expect(ReadSymbolFile.text(try file("symbols", "_text", "type")) == "char")
        #expect(ReadSymbolFile.text(try file("symbols", "modules", "type")) == "void")
        #expect(ReadSymbolFile.text(try file("symbols", "linux_banner", "type")) == "array 0 of char")
        let banner = try file("symbols", "linux_banner", "constant_data") as? String
        #expect(banner.flatMap { Data(base64Encoded: $0) } == Data(Self.banner.utf8))
    }

    @Test("The type of a variable is the one that BTF tells") func variables() throws {
        var types = BTFImage()
        let int = types.integer("int", size: 4, isSigned: true)
        types.add("cpu_number", kind: 14, value: UInt32(types.array(of: int, count: 3)), words: [1])
        let kernel = HandmadeKernel.make(
            Self.memory(),
            symbols: [
                ("linux_banner", HandmadeKernel.address(Self.bannerPlace).rawValue), ("cpu_number", 0x1_F000),
                ("jiffies", HandmadeKernel.image), ("other", HandmadeKernel.image),
            ], types: try TypeTable(types.bytes))
        let file = try ReadSymbolFile(SymbolFile(kernel).text())
        #expect(ReadSymbolFile.text(try file("symbols", "cpu_number", "type")) == "array 3 of int")
        #expect(ReadSymbolFile.text(try file("symbols", "jiffies", "type")) == "unsigned long")
        #expect(throws: TestFailure.self, "nobody knows its type") { try file("symbols", "other", "type") }
    }

    @Test("An object without members is an object") func emptyObject() {
        var output = JSONOutput()
        output.object { _ in }
        #expect(output.bytes == Array("{}".utf8))
    }

    @Test("Base64 of every length is what RFC 4648 says", arguments: 0...5) func base64(count: Int) throws {
        let bytes = (0..<count).map { UInt8(0xF9 &+ $0) }
        var output = JSONOutput()
        output.object { $0.member("data", base64: bytes) }
        let read = try JSONSerialization.jsonObject(with: Data(output.bytes)) as? [String: String]
        #expect(read == ["data": Data(bytes).base64EncodedString()])
    }
}

@Suite("Symbol files of stock kernels", .serialized) struct SymbolFileDumpTests {
    /// Structures of all kinds of members: bit fields, unnamed parts, arrays of arrays, functions.
    private static let structures = [
        "task_struct", "mm_struct", "vm_area_struct", "file", "inode", "dentry", "super_block", "module",
        "net",
        "net_device", "sock", "sk_buff", "page", "list_head", "cred", "pid", "pt_regs", "desc_struct",
    ]

    @Test(
        "Each field lies where the type view says, and every type it names is there", arguments: GuestDump.all
    )
    func fields(dump: GuestDump) throws {
        let kernel = try dump.kernel(dump.file())
        let file = try ReadSymbolFile(SymbolFile(kernel).text())
        let view = try TypeView(kernel)
        var compared = 0
        var bitFields = 0
        for name in Self.structures {
            guard
                let fields = try file("user_types", name, "fields") as? [String: [String: Any]]
            else { throw TestFailure("no fields of \(name)") }
            for (field, content) in fields where content["anonymous"] == nil {
                let place = try Self.place(of: "\(name).\(field)", in: view)
                let offset = try #require(content["offset"] as? Int)
                let type = content["type"] as? [String: Any]
                let bit = type?["bit_position"] as? Int ?? 0
                #expect(offset * 8 + bit == place, "\(name).\(field)")
                compared += 1
                if type?["kind"] as? String == "bitfield" { bitFields += 1 }
            }
            let size = try #require(
                try view.read("struct \(name)").last { $0.contains("/* size: ") }?
                    .split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }.first)
            #expect(try file.number("user_types", name, "size") == size, "\(name)")
        }
        #expect(
            compared > 700 && bitFields > 20, "\(compared) fields, \(bitFields) bit fields")
        expectNone(Self.undescribed(file))
    }

    /// Bits from the structure's beginning, from the comment that the type view has behind a member.
    private static func place(of member: String, in view: TypeView) throws -> Int {
        let lines = try view.read(member)
        // Of a structure within it the line that closes it tells.
        guard let line = lines.last(where: { $0.contains("/*") }), let start = line.range(of: "/*"),
            case let words = line[start.upperBound...].split(whereSeparator: { " :*/".contains($0) }),
            let offset = words.first.flatMap({ Int($0) })
        else { throw TestFailure("\(member): \(lines)") }
        let isBitField = line[start.upperBound...].contains(":")
        return offset * 8 + (isBitField ? words.dropFirst().first.flatMap { Int($0) } ?? -1 : 0)
    }

    /// Types that something refers to and nothing describes.
    private static func undescribed(_ file: ReadSymbolFile) -> [String] {
        let known: [String: Set<String>] = [
            "base": file.names("base_types"), "struct": file.names("user_types"),
            "union": file.names("user_types"), "enum": file.names("enums"),
        ]
        var missing: Set<String> = []
        func look(_ value: Any) {
            guard let object = value as? [String: Any] else { return }
            if let kind = object["kind"] as? String, let name = object["name"] as? String,
                known[kind]?.contains(name) == false
            {
                missing.insert("\(kind) \(name)")
            }
            for part in object.values { look(part) }
        }
        for part in ["user_types", "symbols"] {
            guard let content = try? file(part) else { return ["no \(part)"] }
            look(content)
        }
        return missing.sorted()
    }

    @Test(
        "Symbols are those of the kernel where it is not moved, and the banner is the guest's",
        arguments: GuestDump.all)
    func symbols(dump: GuestDump) throws {
        let kernel = try dump.kernel(dump.file())
        let file = try ReadSymbolFile(SymbolFile(kernel).text())
        let report = try String(contentsOfFile: dump.folder + "/report", encoding: .utf8)
        // ffffffffb0812a40 D init_task
        func told(_ name: String) throws -> UInt64 {
            let line = report.split(separator: "\n").first { $0.hasSuffix(" \(name)") && $0.count < 60 }
            return try #require(line.flatMap { UInt64($0.prefix(16), radix: 16) }, "\(name)")
        }
        let text = try told("_text")
        // CONFIG_PHYSICAL_START, where Debian's and all usual kernels are linked.
        let slide = text &- 0xFFFF_FFFF_8100_0000
        for name in ["init_task", "linux_banner", "_text", "_stext", "schedule", "vfs_read", "tcp_prot"] {
            let address = (try file("symbols", name, "address") as? NSNumber)?.uint64Value
            #expect(try address == told(name) &- slide, "\(name)")
        }
        #expect(file.names("symbols").count > 50_000)
        let data = try file("symbols", "linux_banner", "constant_data") as? String
        let banner = try #require(data.flatMap { Data(base64Encoded: $0) })
        let line = String(decoding: banner.dropLast(), as: UTF8.self)
        #expect(banner.last == 10 && line.hasPrefix("Linux version ") && report.contains("\n\(line)\n"))
    }
}

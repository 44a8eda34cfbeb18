@testable import Introspection
import MachineTesting
import Testing

@Suite("Kernel types") struct TypeTableTests {
    /// A bit of all that a kernel has.
    static func sample() -> BTFImage {
        var types = BTFImage()
        let int = types.integer("int", size: 4, isSigned: true)
        let byte = types.integer("u8", size: 1)
        let long = types.integer("u64", size: 8)
        let pointer = types.pointer()
        let name = types.array(of: byte, count: 16)
        let constant = types.constant(int)
        let alias = types.typeName("pid_t", constant)
        let inner = types.structure("", size: 16, [("first", long, 0), ("second", alias, 8)])
        let choice = types.union(size: 16, [("", inner), ("whole", name)])
        let head = types.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
        types.structure(
            "task_struct", size: 80,
            [("pid", alias, 0), ("", choice, 16), ("comm", name, 32), ("tasks", head, 48)])
        types.bitFields(
            "flags", size: 8,
            [("low", byte, 0, 5), ("high", byte, 5, 3), ("wide", long, 0, 63), ("negative", int, 34, 3)])
        types.enumeration("state", [("LIVE", 0), ("GONE", -2)])
        types.enumeration64("mask", [("TOP", .min), ("ONE", 1)])
        // What is no honest kernel's: names of each other, a union that holds itself.
        let next = types.count + 2
        types.typeName("loop", next)
        types.typeName("pool", next - 1)
        let own = types.count + 1
        types.add(
            "self", kind: 5, members: 3, value: 8,
            words: [0, UInt32(own), 0, 0, UInt32(own), 0, 0, UInt32(own), 0])
        types.structure("huge", size: 8, [("loop", next, 0), ("self", own, 0)])
        return types
    }

    private func table() throws -> TypeTable { try Self.sample().table() }

    @Test("Members, those of members and of unnamed ones") func members() throws {
        let types = try table()
        #expect(types.field("pid", of: "task_struct")?.offset == 0)
        #expect(types.field("pid", of: "task_struct")?.isSigned == true)
        #expect(types.field("second", of: "task_struct")?.offset == 24)
        #expect(types.field("second", of: "task_struct")?.size == 4)
        #expect(types.field("whole", of: "task_struct")?.offset == 16)
        #expect(types.field("comm", of: "task_struct")?.size == 16)
        #expect(types.field("tasks.prev", of: "task_struct")?.offset == 56)
        #expect(types.field("tasks.nothing", of: "task_struct") == nil)
        #expect(types.field("pid.nothing", of: "task_struct") == nil)
        #expect(types.field("pid", of: "nothing") == nil)
        #expect(types.field("", of: "task_struct") == nil)
    }

    @Test("Bit fields tell their bits, and are read so") func bitFields() throws {
        let types = try table()
        let high = try #require(types.field("high", of: "flags"))
        #expect(high.bits == 5..<8)
        let guest = FakeGuest(types: types)
        guest.store(0b1010_0110, at: 0x1000)
        guest.store(.max >> 1, at: 0x1008)
        // Three bits 110 with a sign are -2.
        guest.store(0b110 << 34, at: 0x1010)
        let place = guest.direct(0x1000)
        #expect(try guest.kernel.value(#require(types.field("low", of: "flags")), at: place) == 6)
        #expect(try guest.kernel.value(high, at: place) == 5)
        let wide = try #require(types.field("wide", of: "flags"))
        #expect(try guest.kernel.value(wide, at: guest.direct(0x1008)) == .max)
        let negative = try #require(types.field("negative", of: "flags"))
        #expect(try guest.kernel.value(negative, at: guest.direct(0x1010)) == -2)
    }

    @Test("Enumerations of 32 and of 64 bits") func enumerations() throws {
        let types = try table()
        #expect(types.enumerator("GONE", of: "state") == -2)
        #expect(types.enumerator("TOP", of: "mask") == .min)
        #expect(types.enumerator("ONE", of: "mask") == 1)
        #expect(types.enumerator("LIVE", of: "mask") == nil)
    }

    @Test("Loops come to an end") func loops() throws {
        let types = try table()
        let loop = try #require(types.types(named: "loop").first)
        #expect(types.resolved(loop.number) == nil)
        #expect(types.size(of: loop.number) == nil)
        #expect(types.field("anything", of: "self") == nil)
        #expect(types.field("loop.deeper", of: "huge") == nil)
    }

    @Test("Types are found by how they begin, where no symbol tells") func search() throws {
        var bytes = [UInt8](repeating: 0x9F, count: 333)
        bytes += Self.sample().bytes
        bytes += [UInt8](repeating: 0, count: 100)
        #expect(TypeTable.find(in: bytes)?.field("comm", of: "task_struct")?.offset == 32)
        #expect(TypeTable.find(in: [UInt8](repeating: 0, count: 4096)) == nil)
    }

    @Test("What is cut off is refused") func truncated() {
        let bytes = Self.sample().bytes
        for count in 0..<bytes.count {
            #expect(throws: TypeTable.Failure.self) { try TypeTable(Array(bytes[..<count])) }
        }
    }

    @Test("Types with wrong bits are refused, or all they tell can be asked for") func mutated() {
        let bytes = Self.sample().bytes
        var random = SeededGenerator(seed: 5)
        var refused = 0
        for _ in 0..<4000 {
            var wrong = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<wrong.count, using: &random)
                wrong[place] = UInt8.random(in: 0...255, using: &random)
            }
            guard let types = try? TypeTable(wrong) else {
                refused += 1
                continue
            }
            for path in ["pid", "second", "tasks.prev", "comm", "high", "wide", "loop.x"] {
                for name in ["task_struct", "flags", "huge"] { _ = types.field(path, of: name) }
            }
            for number in 0..<types.count {
                guard let type = types.type(number) else { continue }
                _ = types.members(of: type)
                _ = types.values(of: type)
                _ = types.size(of: number)
                _ = types.elements(of: number)
                _ = types.name(of: type)
            }
        }
        #expect(refused > 0 && refused < 4000)
    }

    @Test("Thousands of types of one name are no trouble") func sameName() throws {
        var image = BTFImage()
        for _ in 0..<20_000 { _ = image.add("same", kind: 4, value: 8) }
        let types = try image.table()
        #expect(types.count == 20_001)
        #expect(types.types(named: "same").count == 20_000)
    }
}

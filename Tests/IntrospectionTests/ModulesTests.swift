@testable import Introspection
import Testing

@Suite("Modules") struct ModulesTests {
    /// Three modules: `virtio` is used by `virtio_blk`, and `virtio_blk` is being loaded.
    private func guest(newLayout: Bool) throws -> FakeGuest {
        var types = BTFImage()
        let half = types.integer("u32", size: 4)
        let int = types.integer("int", size: 4, isSigned: true)
        let word = types.integer("u64", size: 8)
        let byte = types.integer("u8", size: 1)
        let pointer = types.pointer()
        let name = types.array(of: byte, count: 56)
        let link = types.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
        types.structure(
            "module_use", size: 48,
            [("source_list", link, 0), ("target_list", link, 16), ("source", pointer, 32)])
        let part = types.structure(
            newLayout ? "module_memory" : "module_layout", size: 16,
            [("base", pointer, 0), ("size", half, 8)])
        var members = [
            ("state", half, 0), ("list", link, 8), ("name", name, 24), ("init", pointer, 80),
            ("exit", pointer, 88), ("taints", word, 96), ("refcnt", int, 104), ("source_list", link, 112),
        ]
        if newLayout {
            members.append(("mem", types.array(of: part, count: 7), 128))
        } else {
            members += [("core_layout", part, 128), ("init_layout", part, 144)]
        }
        types.structure("module", size: 256, members.map { ($0.0, type: $0.1, offset: $0.2) })
        let guest = try FakeGuest(symbols: ["modules": 0x200], types: types)
        let head = FakeGuest.imageStart + 0x200
        var links = [head]
        for (number, name) in ["virtio_blk", "virtio", "unborn"].enumerated() {
            let place = 0x1000 * (number + 1)
            links.append(guest.direct(place) + 8)
            guest.store(UInt64([1, 0, 3][number]), at: place, size: 4)
            guest.store(name, at: place + 24)
            guest.store(number == 1 ? 0x1234 : 0, at: place + 80)
            guest.store(number == 0 ? 1 << 12 | 1 << 13 : 0, at: place + 96)
            guest.store(UInt64(number + 1), at: place + 104, size: 4)
            guest.store(guest.direct(place + 112).rawValue, at: place + 112)
            guest.store(guest.direct(place + 112).rawValue, at: place + 120)
            guest.store(0xFFFF_FFFF_C000_0000 + UInt64(number) << 16, at: place + 128)
            guest.store(0x4000, at: place + 136, size: 4)
            guest.store(0x1000, at: place + 152, size: 4)
            if newLayout { guest.store(0x800, at: place + 128 + 6 * 16 + 8, size: 4) }
        }
        for (index, link) in links.enumerated() {
            let next = links[(index + 1) % links.count]
            let previous = links[(index + links.count - 1) % links.count]
            let place =
                index == 0 ? guest.image(0x200) : Int(link.rawValue - FakeGuest.directMap.rawValue)
            guest.store(next.rawValue, at: place)
            guest.store(previous.rawValue, at: place + 8)
        }
        // virtio is used by virtio_blk.
        let list = guest.direct(0x2000 + 112)
        guest.store(guest.direct(0x5000).rawValue, at: 0x2000 + 112)
        guest.store(guest.direct(0x5000).rawValue, at: 0x2000 + 120)
        guest.store(list.rawValue, at: 0x5000)
        guest.store(list.rawValue, at: 0x5008)
        guest.store(guest.direct(0x1000).rawValue, at: 0x5020)
        return guest
    }

    @Test("As /proc/modules has them, in both layouts of their memory", arguments: [false, true])
    func lines(newLayout: Bool) throws {
        let rows = try ModulesView(guest(newLayout: newLayout).kernel).read()
        let size = 0x4000 + 0x1000 + (newLayout ? 0x800 : 0)
        #expect(
            rows.map(\.line) == [
                "virtio_blk \(size) 0 - Loading 0xffffffffc0000000 (OE+)",
                "virtio \(size) 1 virtio_blk,[permanent], Live 0xffffffffc0010000",
            ])
    }

    @Test("A list that does not lead back is refused") func broken() throws {
        let guest = try guest(newLayout: true)
        guest.store(0x1234, at: 0x2000 + 16)
        #expect(throws: IntrospectionError.self) { try ModulesView(guest.kernel).read() }
    }
}

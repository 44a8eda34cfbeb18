@testable import Introspection
import MachineTesting
import Testing

@Suite("Kernel log") struct KernelLogTests {
    /// A ring of 8 records and 256 bytes, laid out as Linux 6.1's.
    private final class Log {
        static let descriptors = 0x1000
        static let infos = 0x2000
        static let data = 0x3000
        static let countBits: UInt64 = 3
        static let sizeBits: UInt64 = 8

        let guest: FakeGuest
        private(set) var head: UInt64
        private var position: UInt64 = 0
        private var sequence: UInt64 = 0

        init() throws {
            var types = BTFImage()
            let word = types.integer("u64", size: 8)
            let half = types.integer("u32", size: 4)
            let short = types.integer("u16", size: 2)
            let byte = types.integer("u8", size: 1)
            let pointer = types.pointer()
            let name = types.array(of: byte, count: 16)
            let descriptors = types.structure(
                "prb_desc_ring", size: 40,
                [
                    ("count_bits", half, 0), ("descs", pointer, 8), ("infos", pointer, 16),
                    ("head_id", word, 24), ("tail_id", word, 32),
                ])
            let data = types.structure(
                "prb_data_ring", size: 16, [("size_bits", half, 0), ("data", pointer, 8)])
            types.structure(
                "printk_ringbuffer", size: 56, [("desc_ring", descriptors, 0), ("text_data_ring", data, 40)])
            let place = types.structure(
                "prb_data_blk_lpos", size: 16, [("begin", word, 0), ("next", word, 8)])
            types.structure("prb_desc", size: 24, [("state_var", word, 0), ("text_blk_lpos", place, 8)])
            let device = types.structure(
                "dev_printk_info", size: 32, [("subsystem", name, 0), ("device", name, 16)])
            types.bitFields(
                "printk_info", size: 56,
                [
                    ("seq", word, 0, 0), ("ts_nsec", word, 64, 0), ("text_len", short, 128, 0),
                    ("facility", byte, 144, 0), ("flags", byte, 152, 5), ("level", byte, 157, 3),
                    ("caller_id", half, 160, 0), ("dev_info", device, 192, 0),
                ])
            guest = try FakeGuest(symbols: ["prb": 0x100], types: types)
            // As the kernel begins: the head is one before the first record, and reusable.
            head = (1 << 62) - 9
            guest.store(FakeGuest.directMap.rawValue + 0x800, at: guest.image(0x100))
            guest.store(Self.countBits, at: 0x800)
            guest.store(guest.direct(Self.descriptors).rawValue, at: 0x808)
            guest.store(guest.direct(Self.infos).rawValue, at: 0x810)
            guest.store(Self.sizeBits, at: 0x828)
            guest.store(guest.direct(Self.data).rawValue, at: 0x830)
            guest.store(3 << 62 | head, at: Self.descriptors + 7 * 24)
            setEnds()
        }

        var view: KernelLogView { get throws { try KernelLogView(guest.kernel) } }

        private func setEnds() {
            let oldest = max(0, Int(sequence) - 8)
            guest.store(head, at: 0x818)
            guest.store(
                sequence < 8 ? (1 << 62) - 9 : (1 << 62) - 8 &+ UInt64(oldest) & (1 << 62 - 1), at: 0x820)
        }

        /// Writes a record as the kernel does; its state: 0 reserved, 1 committed, 2 finalized, 3 reusable.
        func write(_ text: String, state: UInt64 = 2, level: UInt64 = 6, caller: UInt64 = 1) {
            head = (head + 1) & (1 << 62 - 1)
            let slot = Int(head & 7)
            let length = text.utf8.count
            let size = UInt64(8 + (length + 7) / 8 * 8)
            var begin = position
            var next = begin + size
            var block = begin & 255
            if begin >> 8 != (next - 1) >> 8 {
                // It does not fit before the end.
                block = 0
                next = (begin >> 8 + 1) << 8 + size
            }
            if length == 0 {
                begin = 3
                next = 3
            } else {
                position = next
                guest.store(head, at: Self.data + Int(block))
                guest.store(text, at: Self.data + Int(block) + 8)
            }
            guest.store(state << 62 | head, at: Self.descriptors + slot * 24)
            guest.store(begin, at: Self.descriptors + slot * 24 + 8)
            guest.store(next, at: Self.descriptors + slot * 24 + 16)
            let info = Self.infos + slot * 56
            guest.store(sequence, at: info)
            guest.store(1_000_000_000 * sequence + 2_345_678, at: info + 8)
            guest.store(UInt64(length), at: info + 16, size: 2)
            guest.store(0, at: info + 18, size: 1)
            guest.store(level << 5 | 2, at: info + 19, size: 1)
            guest.store(caller, at: info + 20, size: 4)
            sequence += 1
            setEnds()
            guest.kernel.refresh()
        }

        /// Changes the state of a record, counted from the newest.
        func set(_ state: UInt64, back: UInt64) {
            let id = (head - back) & (1 << 62 - 1)
            guest.store(state << 62 | id, at: Self.descriptors + Int(id & 7) * 24)
            guest.kernel.refresh()
        }
    }

    @Test("An empty log is empty") func empty() throws {
        let reading = try Log().view.readAll()
        #expect(reading.records.isEmpty && reading.lost == 0 && reading.last == nil)
    }

    @Test("Records with time, level and caller, as dmesg prints them") func records() throws {
        let log = try Log()
        log.write("Linux version 6.1", level: 5)
        log.write("", level: 7, caller: 1 << 31 | 3)
        log.write("two\nlines")
        let reading = try log.view.readAll()
        #expect(
            reading.records.map(\.line) == [
                "[    0.002345] Linux version 6.1", "[    1.002345] ", "[    2.002345] two\nlines",
            ])
        #expect(reading.records.map(\.level) == [5, 7, 6])
        #expect(reading.records.map(\.caller.description) == ["T1", "C3", "T1"])
        #expect(reading.records.map(\.sequence) == [0, 1, 2])
        #expect(reading.lost == 0 && reading.last == 2)
    }

    @Test("Text that did not fit before the end of its ring lies at the beginning") func wrapped() throws {
        let log = try Log()
        let texts = (0..<20).map { "record \($0) " + String(repeating: "x", count: $0 % 13) }
        for text in texts { log.write(text) }
        let reading = try log.view.readAll()
        #expect(reading.records.map(\.text) == Array(texts.suffix(8)))
        #expect(reading.lost == 12)
    }

    @Test("Following gives what is new, and says what was overwritten meanwhile") func follow() throws {
        let log = try Log()
        for number in 0..<5 { log.write("n\(number)") }
        let view = try log.view
        var reading = try view.follow(after: nil)
        #expect(reading.records.count == 5 && reading.last == 4)
        reading = try view.follow(after: reading.last)
        #expect(reading.records.isEmpty && reading.lost == 0 && reading.last == 4)
        for number in 5..<9 { log.write("n\(number)") }
        reading = try view.follow(after: reading.last)
        #expect(reading.records.map(\.text) == ["n5", "n6", "n7", "n8"])
        #expect(reading.lost == 0)
        for number in 9..<20 { log.write("n\(number)") }
        reading = try view.follow(after: reading.last)
        #expect(reading.records.map(\.sequence) == Array(12..<20))
        #expect(reading.lost == 3)
    }

    @Test("What is being written is left out, and followed later") func unfinished() throws {
        let log = try Log()
        for number in 0..<4 { log.write("n\(number)") }
        log.set(0, back: 1)
        log.set(1, back: 0)
        let view = try log.view
        let all = try view.readAll()
        #expect(all.records.map(\.text) == ["n0", "n1"])
        #expect(all.unfinished == 2 && all.lost == 0)
        log.set(2, back: 0)
        #expect(try view.read().map(\.text) == ["n0", "n1", "n3"])
        let first = try view.follow(after: nil)
        #expect(first.records.map(\.text) == ["n0", "n1"])
        log.set(2, back: 1)
        #expect(try view.follow(after: first.last).records.map(\.text) == ["n2", "n3"])
    }

    @Test("Records whose text is gone are lost") func dropped() throws {
        let log = try Log()
        for number in 0..<6 { log.write("n\(number)") }
        log.set(3, back: 5)
        log.set(3, back: 2)
        // A block of another record's: overwritten as it was read.
        log.guest.store(77, at: Log.data + 4 * 16)
        let reading = try log.view.readAll()
        #expect(reading.records.map(\.text) == ["n1", "n2", "n5"])
        #expect(reading.lost == 3)
    }

    @Test("Rings that cannot be are refused") func hostile() throws {
        for (address, value) in [(0x800, UInt64(63)), (0x828, 200), (0x818, 1000), (0x800, 0)] {
            let log = try Log()
            log.write("text")
            log.guest.store(value, at: address)
            log.guest.kernel.refresh()
            #expect(throws: IntrospectionError.self) { try log.view.readAll() }
        }
    }

    @Test("A log with wrong bits is read or refused, and never traps") func mutated() throws {
        var random = SeededGenerator(seed: 3)
        let log = try Log()
        for number in 0..<12 { log.write("record \(number)") }
        let memory = log.guest.source.memory
        let view = try log.view
        for _ in 0..<400 {
            for page in 0..<4 {
                let bytes = [0x800, 0x1000, 0x2000, 0x3000][page]
                log.guest.source.memory.replaceSubrange(
                    bytes..<bytes + 512, with: memory[bytes..<bytes + 512])
            }
            for _ in 0..<3 {
                let place = [0x800, 0x1000, 0x2000, 0x3000].randomElement(using: &random) ?? 0x800
                log.guest.source.memory[place + Int.random(in: 0..<256, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            log.guest.kernel.refresh()
            guard let reading = try? view.readAll() else { continue }
            #expect(reading.records.count <= 8)
        }
    }
}

import GuestMemory
import Testing

@testable import Introspection

@Suite("Stacks by ORC") struct StackUnwinderTests {
    private typealias State = StackUnwinder.State

    // MARK: Entries

    private static func bytes(_ stackOffset: Int16, _ frameOffset: Int16, _ bits: UInt16) -> ByteTable {
        ByteTable(
            [stackOffset, frameOffset, Int16(bitPattern: bits)].flatMap {
                [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
            })
    }

    @Test("5.10: a call, saved registers, an interrupt frame, nothing known, the end") func original() {
        let layout = OrcLayout.original
        let call = layout.entry(Self.bytes(16, -16, 0x15))
        #expect(
            call
                == OrcEntry(
                    stackOffset: 16, frameOffset: -16, stackBase: .stack, frameBase: .previousStack,
                    kind: .call,
                    isSignal: false))
        #expect(layout.entry(Self.bytes(0, 0, 0x105))?.kind == .registers)
        #expect(layout.entry(Self.bytes(0, 0, 0x105))?.isSignal == true)
        #expect(layout.entry(Self.bytes(0, 0, 0x205))?.kind == .interruptFrame)
        #expect(layout.entry(Self.bytes(0, 0, 0))?.kind == .undefined)
        #expect(layout.entry(Self.bytes(0, 0, 0x400))?.kind == .endOfStack)
        #expect(layout.entry(Self.bytes(0, 0, 0x305)) == nil)
        #expect(layout.entry(Self.bytes(0, 0, 0xF)) == nil)
    }

    private static func entryTypes(_ bits: [(String, Int, Int)]) throws -> TypeTable {
        var types = BTFImage()
        let short = types.integer("short int", size: 2, isSigned: true)
        let unsigned = types.integer("unsigned int", size: 4)
        types.bitFields(
            "orc_entry", size: 6,
            [("sp_offset", short, 0, 0), ("bp_offset", short, 16, 0)]
                + bits.map { ($0.0, type: unsigned, bit: $0.1, width: $0.2) })
        return try types.table()
    }

    @Test("The types tell the layout: 6.3 has a signal bit, 6.4 other numbers") func layouts() throws {
        let registers: [(String, Int, Int)] = [("sp_reg", 32, 4), ("bp_reg", 36, 4)]
        let old = try OrcLayout(
            Self.entryTypes(registers + [("type", 40, 2), ("end", 42, 1)]), version: (6, 1))
        #expect(old == .original)
        let middle = try OrcLayout(
            Self.entryTypes(registers + [("type", 40, 2), ("signal", 42, 1), ("end", 43, 1)]), version: (6, 3)
        )
        #expect(middle.entry(Self.bytes(8, 0, 0x405))?.isSignal == true)
        #expect(middle.entry(Self.bytes(8, 0, 0x105))?.isSignal == false)
        #expect(middle.entry(Self.bytes(0, 0, 0x800))?.kind == .endOfStack)
        let new = try OrcLayout(
            Self.entryTypes(registers + [("type", 40, 3), ("signal", 43, 1)]), version: (6, 4))
        let kinds = (0..<5).map { new.entry(Self.bytes(8, 0, $0 << 8 | 5))?.kind }
        #expect(kinds == [.undefined, .endOfStack, .call, .registers, .interruptFrame])
        #expect(new.entry(Self.bytes(8, 0, 0x505)) == nil)
        #expect(new.entry(Self.bytes(8, 0, 0xA05))?.isSignal == true)
        #expect(
            try OrcLayout(Self.entryTypes(registers + [("type", 40, 2)]), version: (5, 10))
                .readsIndirectAtOffset)
        #expect(throws: IntrospectionError.self) {
            try OrcLayout(try BTFImage().table(), version: nil)
        }
    }

    @Test("The last entry at or before an instruction is its own") func lookUp() throws {
        let source = MemorySource(size: 1 << 16)
        // Code at 0x8000, 0x8010 and 0x8010 again, 0x8040; distances from each one's own place.
        for (index, code) in [0x8000, 0x8010, 0x8010, 0x8040].enumerated() {
            let place = 0x1000 + index * 4
            source.store(UInt64(code - place), at: place, size: 4)
            source.memory[0x2000 + index * 6] = UInt8(index * 8)
            source.memory[0x2000 + index * 6 + 4] = 5
        }
        let kernel = HandmadeKernel.make(source)
        let table = OrcTable(
            addresses: HandmadeKernel.address(0x1000), entries: HandmadeKernel.address(0x2000), count: 4,
            layout: .original)
        func offset(_ code: Int) throws -> Int? {
            try table.entry(for: HandmadeKernel.address(code), in: kernel)?.stackOffset
        }
        #expect(try offset(0x7FFF) == nil)
        #expect(try offset(0x8000) == 0)
        #expect(try offset(0x800F) == 0)
        #expect(try offset(0x8010) == 16)
        #expect(try offset(0x803F) == 16)
        #expect(try offset(0x9000) == 24)
    }

    // MARK: Frames

    private let source = MemorySource(size: 1 << 16)

    private func word(_ value: Int, at place: Int) {
        source.store(HandmadeKernel.address(value).rawValue, at: place)
    }

    private func unwinder(_ entries: [Int: OrcEntry]) -> StackUnwinder {
        StackUnwinder(kernel: HandmadeKernel.make(source), readsIndirectAtOffset: false) { address in
            // Functions of 256 bytes.
            entries[Int(truncatingIfNeeded: address.rawValue &- HandmadeKernel.directMap) & ~0xFF]
        }
    }

    private func start(_ instruction: Int, stack: Int, frame: Int = 0) -> State {
        State(
            instruction: HandmadeKernel.address(instruction), stack: HandmadeKernel.address(stack),
            frame: HandmadeKernel.address(frame), isExact: true, registers: .unknown)
    }

    private static func entry(
        _ kind: OrcEntry.Kind, _ base: OrcEntry.Base = .stack, _ offset: Int = 0,
        frame: OrcEntry.Base = .undefined, _ frameOffset: Int = 0
    ) -> OrcEntry {
        OrcEntry(
            stackOffset: offset, frameOffset: frameOffset, stackBase: base, frameBase: frame, kind: kind,
            isSignal: kind == .registers || kind == .interruptFrame)
    }

    @Test("Calls, by the stack and by the frame pointer, up to the end") func calls() {
        // 0x100 keeps 16 bytes and its caller's frame pointer; 0x200 goes by that; 0x300 is the first.
        word(0x6000, at: 0x5010)
        word(0x2F0, at: 0x5018)
        word(0x310, at: 0x6008)
        let (frames, ending) = unwinder([
            0x100: Self.entry(.call, .stack, 0x20, frame: .previousStack, -16),
            0x200: Self.entry(.call, .frame, 0x10), 0x300: Self.entry(.endOfStack),
        ]).frames(from: start(0x100, stack: 0x5000))
        #expect(
            frames.map(\.instruction) == [0x100, 0x2F0, 0x310].map { HandmadeKernel.address($0) })
        #expect(frames.map(\.stack) == [0x5000, 0x5020, 0x6010].map { HandmadeKernel.address($0) })
        #expect(ending == .complete)
        #expect(frames.allSatisfy { !$0.isGuess })
    }

    @Test("A return address at a function's beginning belongs to the one before") func returnAddress() {
        word(0x300, at: 0x5000)
        let entries = [
            0x100: Self.entry(.call, .stack, 8), 0x200: Self.entry(.endOfStack),
            0x300: Self.entry(.undefined),
        ]
        #expect(unwinder(entries).frames(from: start(0x100, stack: 0x5000)).ending == .complete)
        // Where an interrupt struck, the instruction itself counts.
        #expect(
            unwinder(entries).frames(from: start(0x300, stack: 0x5000)).ending
                == .lost(HandmadeKernel.address(0x5000)))
    }

    @Test("Over saved registers into what was interrupted, and no further than user mode") func registers() {
        // struct pt_regs at 0x5000: rip, cs, rsp, rbp.
        word(0x210, at: 0x5000 + 128)
        source.store(0x10, at: 0x5000 + 136)
        word(0x6000, at: 0x5000 + 152)
        word(0x7000, at: 0x5000 + 32)
        // 0x200 goes by the frame pointer that was saved.
        word(0x3F0, at: 0x7008)
        // An interrupt frame of user mode at 0x7010.
        source.store(0x40_0000, at: 0x7010)
        source.store(0x33, at: 0x7018)
        let (frames, ending) = unwinder([
            0x100: Self.entry(.registers), 0x200: Self.entry(.call, .frame, 0x10),
            0x300: Self.entry(.interruptFrame),
        ]).frames(from: start(0x100, stack: 0x5000))
        #expect(frames.map(\.instruction) == [0x100, 0x210, 0x3F0].map { HandmadeKernel.address($0) })
        #expect(frames.map(\.isExact) == [true, true, false])
        #expect(ending == .complete)
    }

    @Test("Code no table knows is followed by the frame pointer, and so is a guess") func guess() {
        word(0x6000, at: 0x5000)
        word(0x2F0, at: 0x5008)
        let (frames, ending) = unwinder([0x200: Self.entry(.endOfStack)]).frames(
            from: start(0x900, stack: 0x4F00, frame: 0x5000))
        #expect(frames.map(\.isGuess) == [false, true])
        #expect(ending == .complete)
    }

    @Test("Tables that lead in a circle, or out of memory, end") func hostile() {
        word(0x110, at: 0x4FF8)
        let circle = unwinder([0x100: Self.entry(.call, .stack, 0)])
        #expect(circle.frames(from: start(0x110, stack: 0x5000)).frames.count == 2)
        let wild = unwinder([0x100: Self.entry(.call, .stack, 0x7FF0)])
        #expect(
            wild.frames(from: start(0x110, stack: 0xF000)).ending == .lost(HandmadeKernel.address(0xF000)))
        let unknown = unwinder([0x100: Self.entry(.call, .r10)])
        #expect(
            unknown.frames(from: start(0x110, stack: 0xF000)).ending == .lost(HandmadeKernel.address(0xF000)))
    }
}

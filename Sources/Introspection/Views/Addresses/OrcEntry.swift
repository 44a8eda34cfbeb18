/// How to get from one stack frame to the one before, at one place in the code (Linux,
/// arch/x86/include/asm/orc_types.h, Documentation/arch/x86/orc-unwinder.rst).
struct OrcEntry: Equatable {
    /// From which register, and how, the caller's stack pointer comes, and where its frame pointer is.
    enum Base: UInt8 {
        case undefined, previousStack, dx, di, frame, stack, r10, r13, frameIndirect, stackIndirect
    }

    /// What lies on the stack there.
    enum Kind: Equatable {
        /// Nothing is known.
        case undefined
        /// The last frame.
        case endOfStack
        /// A return address.
        case call
        /// All registers, `struct pt_regs`.
        case registers
        /// What an interrupt pushes.
        case interruptFrame
    }

    let stackOffset: Int
    let frameOffset: Int
    let stackBase: Base
    let frameBase: Base
    let kind: Kind
    /// The frame is one whose address is that of the next instruction itself, and not of a return.
    let isSignal: Bool

    /// The frame-pointer convention, which code made at run time keeps.
    static let framePointer = OrcEntry(
        stackOffset: 16, frameOffset: -16, stackBase: .frame, frameBase: .previousStack, kind: .call,
        isSignal: false)
    /// A call of the null pointer pushed a return address and nothing else.
    static let null = OrcEntry(
        stackOffset: 8, frameOffset: 0, stackBase: .stack, frameBase: .undefined, kind: .call, isSignal: false
    )
}

/// How entries are laid out in one version of the kernel.
struct OrcLayout: Equatable {
    /// The meaning of the type's numbers.
    enum Numbers: Equatable {
        /// Before 6.4: call, registers, interrupt frame; `end` is a bit of its own.
        case calls(endBit: Int)
        /// From 6.4: undefined, end of stack, call, registers, interrupt frame.
        case undefinedFirst
    }

    /// Where the type's bits are in the last two bytes.
    let type: Range<Int>
    let numbers: Numbers
    /// From 6.3: the bit that says `isSignal`.
    let signalBit: Int?
    /// Whether an indirect stack pointer is read at the offset, as before 5.12, or the offset added to what was
    /// read.
    let readsIndirectAtOffset: Bool

    static let entrySize = 6

    /// The layout of 5.10 to 6.2.
    static let original = OrcLayout(
        type: 8..<10, numbers: .calls(endBit: 10), signalBit: nil, readsIndirectAtOffset: false)

    init(type: Range<Int>, numbers: Numbers, signalBit: Int?, readsIndirectAtOffset: Bool) {
        self.type = type
        self.numbers = numbers
        self.signalBit = signalBit
        self.readsIndirectAtOffset = readsIndirectAtOffset
    }

    /// - Throws: `missing` if the kernel does not unwind by such tables.
    init(_ types: TypeTable, version: (major: Int, minor: Int)?) throws(IntrospectionError) {
        guard let entry = types.structure(named: "orc_entry"), entry.size == Self.entrySize else {
            throw .missing("table for unwinding stacks (CONFIG_UNWINDER_ORC)")
        }
        func bits(_ name: String) -> Range<Int>? {
            guard let member = types.member(named: name, of: entry), member.bitWidth > 0,
                member.bitOffset >= 32, member.bitOffset + member.bitWidth <= 48
            else { return nil }
            return member.bitOffset - 32..<member.bitOffset - 32 + member.bitWidth
        }
        guard let type = bits("type") else { throw .missing("member orc_entry.type") }
        self.type = type
        signalBit = bits("signal")?.lowerBound
        numbers = bits("end").map { .calls(endBit: $0.lowerBound) } ?? .undefinedFirst
        readsIndirectAtOffset = version.map { $0 < (5, 12) } ?? false
    }

    /// Decodes an entry; nil if its numbers mean nothing.
    func entry(_ bytes: ByteTable, at offset: Int = 0) -> OrcEntry? {
        guard let stackOffset = bytes.load(Int16.self, at: offset),
            let frameOffset = bytes.load(Int16.self, at: offset + 2),
            let bits = bytes.load(UInt16.self, at: offset + 4),
            let stackBase = OrcEntry.Base(rawValue: UInt8(bits & 0xF)),
            let frameBase = OrcEntry.Base(rawValue: UInt8(bits >> 4 & 0xF))
        else { return nil }
        let number = bits >> UInt16(type.lowerBound) & (1 << UInt16(type.count) - 1)
        let kind: OrcEntry.Kind
        switch numbers {
        case .calls(let endBit):
            if stackBase == .undefined {
                kind = bits >> UInt16(endBit) & 1 == 1 ? .endOfStack : .undefined
            } else {
                let kinds: [OrcEntry.Kind] = [.call, .registers, .interruptFrame]
                guard Int(number) < kinds.count else { return nil }
                kind = kinds[Int(number)]
            }
        case .undefinedFirst:
            let kinds: [OrcEntry.Kind] = [.undefined, .endOfStack, .call, .registers, .interruptFrame]
            guard Int(number) < kinds.count else { return nil }
            kind = kinds[Int(number)]
        }
        return OrcEntry(
            stackOffset: Int(stackOffset), frameOffset: Int(frameOffset), stackBase: stackBase,
            frameBase: frameBase, kind: kind,
            isSignal: signalBit.map { bits >> UInt16($0) & 1 == 1 }
                ?? (kind == .registers || kind == .interruptFrame))
    }
}

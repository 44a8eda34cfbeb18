/// Follows a stack from frame to frame by the kernel's own tables, as its own traces do.
struct StackUnwinder {
    /// Where registers of a frame are, besides the three that every frame has.
    enum Registers {
        case unknown
        case processor(GeneralRegisters)
        /// `struct pt_regs` on a stack.
        case saved(VirtualAddress)
    }

    /// One frame as it is known on the way.
    struct State {
        var instruction: VirtualAddress
        var stack: VirtualAddress
        var frame: VirtualAddress
        /// `instruction` is where execution goes on, and not the return address of a call.
        var isExact: Bool
        var registers: Registers
        /// No table knew the way here: the frame pointer was believed.
        var isGuess = false
    }

    /// How it ended.
    enum Ending: Equatable {
        /// At the stack's first frame, or where user mode was left.
        case complete
        /// Nothing is known beyond this stack pointer.
        case lost(VirtualAddress)
    }

    /// More frames are no stack of 16 KiB.
    static let mostFrames = 512

    let kernel: Kernel
    let readsIndirectAtOffset: Bool
    /// The table's entry for an instruction.
    let lookUp: (VirtualAddress) throws(ReadError) -> OrcEntry?

    /// All frames, the innermost first.
    func frames(from start: State) -> (frames: [State], ending: Ending) {
        var frames: [State] = []
        var state = start
        var seen: Set<UInt64> = []
        while frames.count < Self.mostFrames {
            frames.append(state)
            // The stack pointer is never the same twice, but wrong tables could make it so.
            guard seen.insert(state.stack.rawValue).inserted else { return (frames, .lost(state.stack)) }
            let step: Step
            do throws(ReadError) {
                step = try next(state)
            } catch {
                step = .lost
            }
            switch step {
            case .frame(let next): state = next
            case .end: return (frames, .complete)
            case .lost: return (frames, .lost(state.stack))
            }
        }
        return (frames, .lost(state.stack))
    }

    enum Step {
        case frame(State)
        case end
        case lost
    }

    /// One frame up.
    func next(_ state: State) throws(ReadError) -> Step {
        // A call may be a function's last instruction: then the return address is the next function's.
        let place = state.isExact ? state.instruction : state.instruction - 1
        let found = try lookUp(state.instruction.isNull ? state.instruction : place)
        let entry = found ?? .framePointer
        if entry.kind == .endOfStack { return .end }
        guard entry.kind != .undefined, let caller = try callerStack(entry, state) else { return .lost }
        var next = state
        next.isGuess = state.isGuess || found == nil
        switch entry.kind {
        case .call:
            next.instruction = try kernel.pointer(at: caller - 8)
            next.stack = caller
            next.registers = .unknown
        case .registers:
            guard try !isUser(codeSelectorAt: caller + SavedRegisters.codeSelector) else { return .end }
            next.instruction = try kernel.pointer(at: caller + SavedRegisters.instruction)
            next.stack = try kernel.pointer(at: caller + SavedRegisters.stack)
            next.registers = .saved(caller)
        case .interruptFrame:
            // RIP, CS, RFLAGS, RSP, SS.
            guard try !isUser(codeSelectorAt: caller + 8) else { return .end }
            next.instruction = try kernel.pointer(at: caller)
            next.stack = try kernel.pointer(at: caller + 24)
        case .undefined, .endOfStack: return .lost
        }
        next.isExact = entry.isSignal
        switch entry.frameBase {
        case .undefined:
            if let frame = try register(.frame, next) { next.frame = frame }
        case .previousStack: next.frame = try kernel.pointer(at: caller + entry.frameOffset)
        case .frame: next.frame = try kernel.pointer(at: state.frame + entry.frameOffset)
        default: return .lost
        }
        guard next.stack.isKernel else { return .lost }
        // Where no code can be, nothing leads on.
        guard next.instruction.isKernel || next.instruction.isNull else { return .lost }
        return .frame(next)
    }

    private func isUser(codeSelectorAt place: VirtualAddress) throws(ReadError) -> Bool {
        try kernel.load(UInt16.self, at: place) & 3 == 3
    }

    private func callerStack(_ entry: OrcEntry, _ state: State) throws(ReadError) -> VirtualAddress? {
        switch entry.stackBase {
        case .stack: return state.stack + entry.stackOffset
        case .frame: return state.frame + entry.stackOffset
        case .frameIndirect: return try kernel.pointer(at: state.frame + entry.stackOffset)
        case .stackIndirect:
            if readsIndirectAtOffset { return try kernel.pointer(at: state.stack + entry.stackOffset) }
            return try kernel.pointer(at: state.stack) + entry.stackOffset
        case .r10, .r13, .di, .dx: return try register(entry.stackBase, state)
        case .undefined, .previousStack: return nil
        }
    }

    /// A register's value, where all of them were saved.
    private func register(_ base: OrcEntry.Base, _ state: State) throws(ReadError) -> VirtualAddress? {
        switch state.registers {
        case .unknown: return nil
        case .saved(let place):
            guard let offset = SavedRegisters.offset(of: base) else { return nil }
            return try kernel.pointer(at: place + offset)
        case .processor(let registers):
            switch base {
            case .r10: return VirtualAddress(registers.r8To15[2])
            case .r13: return VirtualAddress(registers.r8To15[5])
            case .di: return VirtualAddress(registers.rdi)
            case .dx: return VirtualAddress(registers.rdx)
            case .frame: return state.frame
            default: return nil
            }
        }
    }

    /// Offsets in `struct pt_regs`, which is an interface to programs and does not change
    /// (arch/x86/include/uapi/asm/ptrace-abi.h).
    enum SavedRegisters {
        static let instruction = 128
        static let codeSelector = 136
        static let stack = 152

        static func offset(of base: OrcEntry.Base) -> Int? {
            switch base {
            case .r13: 16
            case .frame: 32
            case .r10: 56
            case .dx: 96
            case .di: 112
            default: nil
            }
        }
    }
}

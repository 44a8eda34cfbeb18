/// The general registers of one virtual CPU, by the manual's names (Intel SDM vol. 1, 3.4.1), without RSP, RBP
/// and RIP, which `ProcessorRegisters` has.
public struct GeneralRegisters: Equatable, Sendable {
    /// RAX.
    public var rax: UInt64
    /// RBX.
    public var rbx: UInt64
    /// RCX.
    public var rcx: UInt64
    /// RDX.
    public var rdx: UInt64
    /// RSI.
    public var rsi: UInt64
    /// RDI.
    public var rdi: UInt64
    /// R8 to R15.
    public var r8To15: [UInt64]
    /// RFLAGS.
    public var flags: UInt64

    /// All as given.
    ///
    /// - Parameter r8To15: eight values; missing ones are zero.
    public init(
        rax: UInt64, rbx: UInt64, rcx: UInt64, rdx: UInt64, rsi: UInt64, rdi: UInt64, r8To15: [UInt64],
        flags: UInt64
    ) {
        self.rax = rax
        self.rbx = rbx
        self.rcx = rcx
        self.rdx = rdx
        self.rsi = rsi
        self.rdi = rdi
        self.r8To15 = Array((r8To15 + [UInt64](repeating: 0, count: 8)).prefix(8))
        self.flags = flags
    }

    /// Names and values in the order in which the kernel prints them.
    var named: [(name: String, value: UInt64)] {
        [("rax", rax), ("rbx", rbx), ("rcx", rcx), ("rdx", rdx), ("rsi", rsi), ("rdi", rdi)]
            + r8To15.enumerated().map { ("r\($0.offset + 8)", $0.element) } + [("rflags", flags)]
    }
}

/// Control registers of one virtual CPU besides CR3 (Intel SDM vol. 3, 2.5).
public struct ControlRegisters: Equatable, Sendable {
    /// CR0.
    public var cr0: UInt64
    /// CR2: the address of the last page fault.
    public var cr2: UInt64
    /// CR4.
    public var cr4: UInt64
    /// CR8: the task priority.
    public var cr8: UInt64
    /// MSR EFER.
    public var efer: UInt64

    /// All as given.
    public init(cr0: UInt64, cr2: UInt64, cr4: UInt64, cr8: UInt64, efer: UInt64) {
        self.cr0 = cr0
        self.cr2 = cr2
        self.cr4 = cr4
        self.cr8 = cr8
        self.efer = efer
    }

    var named: [(name: String, value: UInt64)] {
        [("cr0", cr0), ("cr2", cr2), ("cr4", cr4), ("cr8", cr8), ("efer", efer)]
    }
}

/// What one virtual CPU's registers tell about the kernel.
public struct ProcessorRegisters: Equatable, Sendable {
    /// CR0.PG: page tables are in use.
    public var isPaging: Bool
    /// CR3.
    public var cr3: UInt64
    /// CR4.LA57.
    public var hasFiveLevels: Bool
    /// RIP.
    public var instruction: VirtualAddress
    /// RSP.
    public var stack: VirtualAddress
    /// RBP.
    public var frame: VirtualAddress
    /// CPL: the privilege level, 0 for the kernel.
    public var privilegeLevel: Int
    /// GS.base: the kernel's per-CPU area while it runs.
    public var gsBase: VirtualAddress
    /// MSR KERNEL_GS_BASE: the same while a program runs. Nil if it is not known.
    public var kernelGSBase: VirtualAddress?
    /// MSR LSTAR: where system calls enter. Nil if it is not known.
    public var systemCallEntry: VirtualAddress?
    /// IDTR.base.
    public var interruptTable: VirtualAddress
    /// The general registers; nil if only what finds the kernel is known.
    public var general: GeneralRegisters?
    /// The control registers besides CR3; nil if only what finds the kernel is known.
    public var control: ControlRegisters?

    /// All as given.
    public init(
        isPaging: Bool, cr3: UInt64, hasFiveLevels: Bool, instruction: VirtualAddress, stack: VirtualAddress,
        frame: VirtualAddress, privilegeLevel: Int, gsBase: VirtualAddress, kernelGSBase: VirtualAddress?,
        systemCallEntry: VirtualAddress?, interruptTable: VirtualAddress,
        general: GeneralRegisters? = nil, control: ControlRegisters? = nil
    ) {
        self.isPaging = isPaging
        self.cr3 = cr3
        self.hasFiveLevels = hasFiveLevels
        self.instruction = instruction
        self.stack = stack
        self.frame = frame
        self.privilegeLevel = privilegeLevel
        self.gsBase = gsBase
        self.kernelGSBase = kernelGSBase
        self.systemCallEntry = systemCallEntry
        self.interruptTable = interruptTable
        self.general = general
        self.control = control
    }
}

/// The general-purpose registers, the instruction pointer and the flags.
public struct GeneralRegisters: Equatable, Sendable {
    /// RAX.
    public var rax: UInt64 = 0
    /// RBX.
    public var rbx: UInt64 = 0
    /// RCX.
    public var rcx: UInt64 = 0
    /// RDX.
    public var rdx: UInt64 = 0
    /// RSI.
    public var rsi: UInt64 = 0
    /// RDI.
    public var rdi: UInt64 = 0
    /// RSP, the stack pointer.
    public var rsp: UInt64 = 0
    /// RBP.
    public var rbp: UInt64 = 0
    /// R8.
    public var r8: UInt64 = 0
    /// R9.
    public var r9: UInt64 = 0
    /// R10.
    public var r10: UInt64 = 0
    /// R11.
    public var r11: UInt64 = 0
    /// R12.
    public var r12: UInt64 = 0
    /// R13.
    public var r13: UInt64 = 0
    /// R14.
    public var r14: UInt64 = 0
    /// R15.
    public var r15: UInt64 = 0
    /// RIP, the next instruction.
    public var rip: UInt64 = 0
    /// Bit 1 is always one (Intel SDM vol. 1, 3.4.3).
    public var rflags: UInt64 = 2

    /// All zero but for the flags' fixed bit.
    public init() {}
}

/// A segment register with its hidden part (Intel SDM vol. 3, 3.4.3).
public struct Segment: Equatable, Sendable {
    /// The visible part: index, table and requested privilege.
    public var selector: UInt16
    /// The first linear address.
    public var base: UInt64
    /// The limit in bytes, already scaled by the granularity.
    public var limit: UInt32
    /// The type field: 11 is code, execute and read, accessed; 3 is data, read and write, accessed.
    public var type: UInt8
    /// S: code or data, not a system segment.
    public var isCodeOrData: Bool
    /// DPL, 0 to 3.
    public var privilegeLevel: UInt8
    /// P.
    public var isPresent: Bool
    /// D/B: 32-bit operands by default.
    public var is32Bit: Bool
    /// L: 64-bit code.
    public var isLong: Bool
    /// G: the limit counts pages.
    public var isPageGranular: Bool
    /// The register holds no segment at all.
    public var isUnusable: Bool

    /// A present segment unless said otherwise.
    public init(
        selector: UInt16, base: UInt64 = 0, limit: UInt32, type: UInt8, isCodeOrData: Bool = true,
        privilegeLevel: UInt8 = 0, isPresent: Bool = true, is32Bit: Bool = false, isLong: Bool = false,
        isPageGranular: Bool = false, isUnusable: Bool = false
    ) {
        self.selector = selector
        self.base = base
        self.limit = limit
        self.type = type
        self.isCodeOrData = isCodeOrData
        self.privilegeLevel = privilegeLevel
        self.isPresent = isPresent
        self.is32Bit = is32Bit
        self.isLong = isLong
        self.isPageGranular = isPageGranular
        self.isUnusable = isUnusable
    }

    /// Flat 32-bit code, 4 GiB.
    public static func flatCode32(selector: UInt16) -> Segment {
        Segment(selector: selector, limit: .max, type: 11, is32Bit: true, isPageGranular: true)
    }

    /// Flat 64-bit code.
    public static func flatCode64(selector: UInt16) -> Segment {
        Segment(selector: selector, limit: .max, type: 11, isLong: true, isPageGranular: true)
    }

    /// Flat data, 4 GiB.
    public static func flatData(selector: UInt16) -> Segment {
        Segment(selector: selector, limit: .max, type: 3, is32Bit: true, isPageGranular: true)
    }

    /// A busy 32/64-bit task-state segment of the least size.
    public static func taskState(selector: UInt16) -> Segment {
        Segment(selector: selector, limit: 0x67, type: 11, isCodeOrData: false)
    }

    /// The descriptor a global descriptor table holds for this segment (Intel SDM vol. 3, 3.4.5).
    public var descriptor: UInt64 {
        let scaled = UInt64(isPageGranular ? limit >> 12 : limit)
        let kind = UInt64(type & 0xF) | (isCodeOrData ? 1 << 4 : 0)
        let access = kind | UInt64(privilegeLevel & 3) << 5 | (isPresent ? 1 << 7 : 0)
        let flags = (isLong ? 1 << 1 : 0) | (is32Bit ? 1 << 2 : 0) | (isPageGranular ? 1 << 3 : 0) as UInt64
        return scaled & 0xFFFF | (base & 0xFF_FFFF) << 16 | access << 40 | (scaled >> 16 & 0xF) << 48
            | flags << 52 | (base >> 24 & 0xFF) << 56
    }
}

/// Where a descriptor table lies: the contents of GDTR or IDTR.
public struct DescriptorTable: Equatable, Sendable {
    /// The table's linear address.
    public var base: UInt64
    /// The last valid byte's offset.
    public var limit: UInt16

    /// A table of `limit` + 1 bytes.
    public init(base: UInt64, limit: UInt16) {
        self.base = base
        self.limit = limit
    }
}

/// Segments, descriptor tables and control registers: the state `KVM_SET_SREGS` takes.
public struct SpecialRegisters: Equatable, Sendable {
    /// Code.
    public var cs: Segment
    /// Data.
    public var ds: Segment
    /// Extra data.
    public var es: Segment
    /// Extra data; 64-bit code uses its base alone.
    public var fs: Segment
    /// Extra data; 64-bit code uses its base alone.
    public var gs: Segment
    /// Stack.
    public var ss: Segment
    /// TR, the task-state segment.
    public var taskRegister: Segment
    /// LDTR.
    public var localDescriptorTable: Segment
    /// GDTR.
    public var globalTable: DescriptorTable
    /// IDTR.
    public var interruptTable: DescriptorTable
    /// CR0: modes.
    public var cr0: ControlRegister0
    /// CR2: the last page fault's linear address.
    public var cr2: UInt64
    /// CR3: the page tables' physical address.
    public var cr3: UInt64
    /// CR4: extensions.
    public var cr4: ControlRegister4
    /// CR8: the task priority.
    public var cr8: UInt64
    /// EFER.
    public var extendedFeatures: ExtendedFeatureEnable
    /// The local APIC's base address with its enable bits, MSR 0x1B.
    public var apicBase: UInt64

    /// Flat segments of one kind; the rest as given.
    public init(
        code: Segment, data: Segment, taskRegister: Segment, globalTable: DescriptorTable,
        interruptTable: DescriptorTable = DescriptorTable(base: 0, limit: 0), cr0: ControlRegister0,
        cr3: UInt64 = 0, cr4: ControlRegister4 = [], extendedFeatures: ExtendedFeatureEnable = [],
        apicBase: UInt64 = 0
    ) {
        cs = code
        ds = data
        es = data
        fs = data
        gs = data
        ss = data
        self.taskRegister = taskRegister
        localDescriptorTable = Segment(
            selector: 0, limit: 0, type: 2, isCodeOrData: false, isPresent: false, isUnusable: true)
        self.globalTable = globalTable
        self.interruptTable = interruptTable
        self.cr0 = cr0
        cr2 = 0
        self.cr3 = cr3
        self.cr4 = cr4
        cr8 = 0
        self.extendedFeatures = extendedFeatures
        self.apicBase = apicBase
    }
}

/// What the first virtual CPU starts with.
public struct ProcessorState: Equatable, Sendable {
    /// General registers, RIP among them.
    public var general: GeneralRegisters
    /// `apicBase` is not taken from here: it stays as the hypervisor has set it.
    public var special: SpecialRegisters

    /// Both halves as given.
    public init(general: GeneralRegisters, special: SpecialRegisters) {
        self.general = general
        self.special = special
    }
}

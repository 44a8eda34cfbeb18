internal import CKVM
internal import X86

// Between the values of X86 and the kernel's structures, field by field.

extension GeneralRegisters {
    init(_ kernel: kvm_regs) {
        self.init()
        rax = kernel.rax
        rbx = kernel.rbx
        rcx = kernel.rcx
        rdx = kernel.rdx
        rsi = kernel.rsi
        rdi = kernel.rdi
        rsp = kernel.rsp
        rbp = kernel.rbp
        r8 = kernel.r8
        r9 = kernel.r9
        r10 = kernel.r10
        r11 = kernel.r11
        r12 = kernel.r12
        r13 = kernel.r13
        r14 = kernel.r14
        r15 = kernel.r15
        rip = kernel.rip
        rflags = kernel.rflags
    }
}

extension kvm_regs {
    init(_ general: GeneralRegisters) {
        self.init(
            rax: general.rax, rbx: general.rbx, rcx: general.rcx, rdx: general.rdx, rsi: general.rsi,
            rdi: general.rdi, rsp: general.rsp, rbp: general.rbp, r8: general.r8, r9: general.r9,
            r10: general.r10, r11: general.r11, r12: general.r12, r13: general.r13, r14: general.r14,
            r15: general.r15, rip: general.rip, rflags: general.rflags)
    }
}

extension Segment {
    init(_ kernel: kvm_segment) {
        self.init(
            selector: kernel.selector, base: kernel.base, limit: kernel.limit, type: kernel.type,
            isCodeOrData: kernel.s != 0, privilegeLevel: kernel.dpl, isPresent: kernel.present != 0,
            is32Bit: kernel.db != 0, isLong: kernel.l != 0, isPageGranular: kernel.g != 0,
            isUnusable: kernel.unusable != 0)
    }
}

extension kvm_segment {
    init(_ segment: Segment) {
        self.init()
        base = segment.base
        limit = segment.limit
        selector = segment.selector
        type = segment.type
        present = segment.isPresent ? 1 : 0
        dpl = segment.privilegeLevel
        db = segment.is32Bit ? 1 : 0
        s = segment.isCodeOrData ? 1 : 0
        l = segment.isLong ? 1 : 0
        g = segment.isPageGranular ? 1 : 0
        unusable = segment.isUnusable ? 1 : 0
    }
}

extension SpecialRegisters {
    init(_ kernel: kvm_sregs) {
        self.init(
            code: Segment(kernel.cs), data: Segment(kernel.ds), taskRegister: Segment(kernel.tr),
            globalTable: DescriptorTable(base: kernel.gdt.base, limit: kernel.gdt.limit),
            interruptTable: DescriptorTable(base: kernel.idt.base, limit: kernel.idt.limit),
            cr0: ControlRegister0(rawValue: kernel.cr0), cr3: kernel.cr3,
            cr4: ControlRegister4(rawValue: kernel.cr4),
            extendedFeatures: ExtendedFeatureEnable(rawValue: kernel.efer), apicBase: kernel.apic_base)
        es = Segment(kernel.es)
        fs = Segment(kernel.fs)
        gs = Segment(kernel.gs)
        ss = Segment(kernel.ss)
        localDescriptorTable = Segment(kernel.ldt)
        cr2 = kernel.cr2
        cr8 = kernel.cr8
    }
}

extension kvm_sregs {
    mutating func set(_ special: SpecialRegisters) {
        cs = kvm_segment(special.cs)
        ds = kvm_segment(special.ds)
        es = kvm_segment(special.es)
        fs = kvm_segment(special.fs)
        gs = kvm_segment(special.gs)
        ss = kvm_segment(special.ss)
        tr = kvm_segment(special.taskRegister)
        ldt = kvm_segment(special.localDescriptorTable)
        gdt.base = special.globalTable.base
        gdt.limit = special.globalTable.limit
        idt.base = special.interruptTable.base
        idt.limit = special.interruptTable.limit
        cr0 = special.cr0.rawValue
        cr2 = special.cr2
        cr3 = special.cr3
        cr4 = special.cr4.rawValue
        cr8 = special.cr8
        efer = special.extendedFeatures.rawValue
    }
}

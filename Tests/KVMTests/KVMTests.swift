import GuestMemory
import HostSystem
import MachineTesting
import Testing
import X86

@testable import KVM

/// A virtual machine with one processor in 16-bit real mode, and a few bytes of code at 0x1000. Modelled
/// on crosvm's mmio_and_pio test. Ring 0 is emulated on some hosts: integer instructions only.
struct BareMachine: ~Copyable {
    let memory: PhysicalMemory
    let machine: VirtualMachine
    let cpu: VirtualCPU

    init(
        _ code: [UInt8], _ controllers: InterruptControllerPlacement? = nil,
        set: (inout GeneralRegisters) -> Void = { _ in }
    ) throws {
        let hypervisor = try Hypervisor.open()
        let layout = try #require(AddressSpaceLayout(size: 1 << 20))
        let memory = try PhysicalMemory(layout: layout)
        let machine = try hypervisor.makeVirtualMachine()
        for (slot, region) in layout.regions.enumerated() {
            try machine.setMemorySlot(UInt32(slot), region, of: memory)
        }
        if let controllers { try machine.makeInterruptController(controllers) }
        let cpu = try machine.makeVirtualCPU(number: 0)
        try memory.copyIn(code, to: GuestAddress(0x1000))
        var special = try cpu.specialRegisters()
        special.cs.base = 0
        special.cs.selector = 0
        var general = GeneralRegisters()
        general.rip = 0x1000
        general.rsp = 0x8000
        set(&general)
        try cpu.setState(ProcessorState(general: general, special: special))
        self.memory = memory
        self.machine = machine
        self.cpu = cpu
    }
}

@Suite("KVM", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct KVMTests {
    @Test("The host has every capability that Roost cannot do without")
    func capabilities() throws {
        let hypervisor = try Hypervisor.open()
        let capabilities = try hypervisor.capabilities()
        #expect(capabilities.missing == [])
        #expect(capabilities.contains(.userMemory) && capabilities[.maximumVCPUs] >= 16)
        #expect(try hypervisor.value(of: .maximumVCPUs) == capabilities[.maximumVCPUs])
        #expect(Set(Capability.all.map(\.number)).count == Capability.all.count)
    }

    @Test(
        "A device that is absent, or no KVM, is unavailable, with advice",
        arguments: ["/no/kvm", "/dev/null", "/dev/zero", "/"])
    func wrongDevice(path: String) throws {
        let error = #expect(throws: KVMError.self) { _ = try Hypervisor.open(path: path) }
        guard case .unavailable(let system) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(system.operation.contains(path) && system.advice != nil)
    }

    @Test("Another version of the interface, and what is missing, are told in words")
    func messages() {
        #expect(
            KVMError.wrongVersion(11).description
                == "/dev/kvm speaks version 11 of the KVM interface; Roost needs version 12")
        #expect(KVMError.missing([.signalMSI]).description.contains("SIGNAL_MSI (interrupts as messages)"))
    }

    @Test("KVM's processor features are a table that a virtual CPU takes")
    func features() throws {
        let leaves = try Hypervisor.open().supportedCPUID()
        let vendor = try #require(leaves.first { $0.leaf == 0 })
        #expect(vendor.eax >= 1 && vendor.ebx != 0)
        #expect(leaves.contains { $0.leaf == 0x4000_0000 && $0.ebx == 0x4B4D_564B }, "KVMK")
        let bare = try BareMachine([0xF4])
        try bare.cpu.setCPUID(leaves)
    }

    @Test("General and system registers come back as they were set")
    func registers() throws {
        let bare = try BareMachine([0xF4])
        var general = GeneralRegisters()
        (general.rax, general.rbx, general.rcx, general.rdx) = (1, 2, 3, 4)
        (general.rsi, general.rdi, general.rsp, general.rbp) = (5, 6, 7, 8)
        (general.r8, general.r9, general.r10, general.r11) = (9, 10, 11, 12)
        (general.r12, general.r13, general.r14, general.r15) = (13, 14, 15, 1 << 63)
        (general.rip, general.rflags) = (0x2000, 0x246)
        try bare.cpu.setGeneralRegisters(general)
        #expect(try bare.cpu.generalRegisters() == general)
        var special = try bare.cpu.specialRegisters()
        special.ds.base = 0x12340
        special.ds.selector = 0x1234
        special.globalTable = DescriptorTable(base: 0x5000, limit: 0x7F)
        special.cr2 = 0x1234_5678
        try bare.cpu.setState(ProcessorState(general: general, special: special))
        #expect(try bare.cpu.specialRegisters() == special)
        #expect(try bare.cpu.multiprocessorState() == .runnable)
    }

    @Test("Port writes and reads of each width carry their values")
    func ports() throws {
        let bare = try BareMachine([
            0xBA, 0xCD, 0x0B,  // mov $0xbcd, %dx
            0xEE,  // out %al, %dx
            0xEF,  // out %ax, %dx
            0x66, 0xEF,  // out %eax, %dx
            0xE4, 0x42,  // in $0x42, %al
            0xED,  // in %dx, %ax
            0x66, 0xED,  // in %dx, %eax
            0xF4,  // hlt
        ]) { $0.rax = 0x8765_4321 }
        for (size, value) in [(1, 0x21), (2, 0x4321), (4, 0x8765_4321)] as [(Int, UInt32)] {
            guard case .portWrite(let access) = try bare.cpu.run() else { throw TestFailure("no port write") }
            #expect(access.port == 0xBCD && access.size == size && access.count == 1)
            #expect(bare.cpu.portValue(access) == value)
        }
        for (port, size) in [(0x42, 1), (0xBCD, 2), (0xBCD, 4)] as [(UInt16, Int)] {
            guard case .portRead(let access) = try bare.cpu.run() else { throw TestFailure("no port read") }
            #expect(access.port == port && access.size == size && access.count == 1)
            bare.cpu.answerPort(access, 0xDEAD_BEEF)
        }
        #expect(try bare.cpu.run() == .halted)
        #expect(try bare.cpu.generalRegisters().rax == 0xDEAD_BEEF)
    }

    @Test("Memory writes and reads where nothing is carry their values")
    func memoryMapped() throws {
        // %ds is 0xF000 with its base set beyond the memory: 16-bit code reaches it at %bx.
        let bare = try BareMachine([
            0x88, 0x07,  // mov %al, (%bx)
            0x89, 0x07,  // mov %ax, (%bx)
            0x66, 0x89, 0x07,  // mov %eax, (%bx)
            0x8A, 0x0F,  // mov (%bx), %cl
            0x8B, 0x17,  // mov (%bx), %dx
            0x66, 0x8B, 0x37,  // mov (%bx), %esi
            0xF4,  // hlt
        ]) { general in
            general.rax = 0x8765_4321
            general.rbx = 0x10
        }
        var special = try bare.cpu.specialRegisters()
        special.ds.base = 0x20_0000
        try bare.cpu.setState(ProcessorState(general: try bare.cpu.generalRegisters(), special: special))
        let address = GuestAddress(0x20_0010)
        for (size, value) in [(1, 0x21), (2, 0x4321), (4, 0x8765_4321)] as [(Int, UInt64)] {
            #expect(try bare.cpu.run() == .memoryWrite(address, size: size, value: value))
        }
        for size in [1, 2, 4] {
            #expect(try bare.cpu.run() == .memoryRead(address, size: size))
            bare.cpu.answerMemory(0x1122_3344_AABB_CCDD)
        }
        #expect(try bare.cpu.run() == .halted)
        let general = try bare.cpu.generalRegisters()
        #expect(
            general.rcx & 0xFF == 0xDD && general.rdx & 0xFFFF == 0xCCDD
                && general.rsi & 0xFFFF_FFFF == 0xAABB_CCDD)
    }

    @Test("A string of port writes comes whole and in order, however many the kernel hands over at once")
    func stringOutput() throws {
        let text = Array("a string of bytes".utf8)
        let bare = try BareMachine([
            0xFC,  // cld
            0xF3, 0x6E,  // rep outsb
            0xF4,  // hlt
        ]) { general in
            (general.rsi, general.rcx, general.rdx) = (0x3000, UInt64(text.count), 0x77)
        }
        try bare.memory.copyIn(text, to: GuestAddress(0x3000))
        var written: [UInt8] = []
        while case let exit = try bare.cpu.run(), exit != .halted {
            guard case .portWrite(let access) = exit else { throw TestFailure("\(exit)") }
            #expect(access.port == 0x77 && access.size == 1)
            for index in 0..<access.count { written.append(UInt8(bare.cpu.portValue(access, index: index))) }
        }
        #expect(written == text)
        #expect(try bare.cpu.generalRegisters().rcx == 0)
    }

    @Test("A string of port reads is answered one by one")
    func stringInput() throws {
        let bare = try BareMachine([
            0xFC,  // cld
            0xF3, 0x6D,  // rep insw
            0xF4,  // hlt
        ]) { general in
            (general.rdi, general.rcx, general.rdx) = (0x3000, 5, 0x77)
        }
        var next: UInt32 = 0x1000
        while case let exit = try bare.cpu.run(), exit != .halted {
            guard case .portRead(let access) = exit else { throw TestFailure("\(exit)") }
            #expect(access.size == 2)
            for index in 0..<access.count {
                bare.cpu.answerPort(access, index: index, next)
                next += 1
            }
        }
        #expect(
            try bare.memory.bytes(at: GuestAddress(0x3000), count: 10) == [0, 16, 1, 16, 2, 16, 3, 16, 4, 16])
    }

    @Test("A requested exit is had before any guest instruction, and taken back")
    func requestedExit() throws {
        let bare = try BareMachine([0xEE, 0xF4])
        bare.cpu.requestExit()
        for _ in 0..<3 { #expect(try bare.cpu.run() == .interrupted) }
        #expect(try bare.cpu.generalRegisters().rip == 0x1000)
        bare.cpu.clearExitRequest()
        guard case .portWrite = try bare.cpu.run() else { throw TestFailure("no port write") }
    }

    @Test("A doorbell takes the writes of its value, with no exit, and nothing once it is detached")
    func doorbell() throws {
        let bare = try BareMachine([
            0x66, 0x89, 0x07,  // mov %eax, (%bx)
            0x66, 0x89, 0x0F,  // mov %ecx, (%bx)
            0x66, 0x89, 0x07,  // mov %eax, (%bx)
            0xF4,  // hlt
        ]) { general in
            (general.rax, general.rbx, general.rcx) = (7, 0x10, 8)
        }
        var special = try bare.cpu.specialRegisters()
        special.ds.base = 0x20_0000
        try bare.cpu.setState(ProcessorState(general: try bare.cpu.generalRegisters(), special: special))
        let address = GuestAddress(0x20_0010)
        let event = try EventDescriptor()
        try bare.machine.attachDoorbell(at: address, value: 7, to: event)
        #expect(event.drain() == false)
        #expect(try bare.cpu.run() == .memoryWrite(address, size: 4, value: 8))
        #expect(event.drain() == true)
        try bare.machine.detachDoorbell(at: address, value: 7, from: event)
        #expect(try bare.cpu.run() == .memoryWrite(address, size: 4, value: 7))
        #expect(event.drain() == false)
        #expect(throws: KVMError.self) { try bare.machine.detachDoorbell(at: address, value: 7, from: event) }
    }

    @Test("A descriptor of an interrupt wakes a halted processor into its handler", arguments: [true, false])
    func interruptDescriptor(byDescriptor: Bool) throws {
        // The local APIC is switched on by its spurious-vector register, at 0xFEE000F0.
        let bare = try BareMachine(
            [
                0x66, 0x89, 0x07,  // mov %eax, (%bx)
                0xEE,  // out %al, %dx: now it listens
                0xFB,  // sti
                0xF4,  // hlt
                0xEE,  // out %al, %dx: behind the halt
            ], .split(pins: 24)
        ) { general in
            (general.rax, general.rbx, general.rdx) = (0x1FF, 0xF0, 0x99)
        }
        // The handler of vector 0x40, at 0x0000:0x2000, tells by port 0x98 and returns.
        try bare.memory.copyIn([0xE6, 0x98, 0xCF], to: GuestAddress(0x2000))
        try bare.memory.copyIn([0x00, 0x20, 0, 0], to: GuestAddress(0x40 * 4))
        var special = try bare.cpu.specialRegisters()
        special.ds.base = 0xFEE0_0000
        try bare.cpu.setState(ProcessorState(general: try bare.cpu.generalRegisters(), special: special))
        let message = InterruptMessage(address: 0xFEE0_0000, data: 0x40)
        let event = try EventDescriptor()
        try bare.machine.setInterruptRouting([nil, nil, message])
        try bare.machine.attachInterrupt(2, to: event)
        guard case .portWrite(let ready) = try bare.cpu.run(), ready.port == 0x99 else {
            throw TestFailure("not ready")
        }
        if byDescriptor { event.signal() } else { #expect(try bare.machine.signal(message) == true) }
        guard case .portWrite(let handled) = try bare.cpu.run() else { throw TestFailure("no interrupt") }
        #expect(handled.port == 0x98)
        guard case .portWrite(let after) = try bare.cpu.run() else { throw TestFailure("no return") }
        #expect(after.port == 0x99)
        try bare.machine.detachInterrupt(2, from: event)
    }
}

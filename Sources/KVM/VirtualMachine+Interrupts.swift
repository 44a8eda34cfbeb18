internal import CKVM
public import GuestMemory
public import HostSystem
public import X86

/// Where the interrupt controllers live.
public enum InterruptControllerPlacement: Equatable, Sendable {
    /// Local APICs in the kernel, the I/O APIC with so many pins in the process. No timer chip, no PIC.
    /// Machines come and go an order of magnitude quicker than with all of them in the kernel.
    case split(pins: UInt32)
    /// Local APICs, I/O APIC and PICs in the kernel.
    case inKernel
}

extension VirtualMachine {
    /// Puts the interrupt controllers in place. Before the first virtual CPU, once.
    public func makeInterruptController(_ placement: InterruptControllerPlacement) throws(KVMError) {
        switch placement {
        case .split(let pins): try enable(.splitInterruptController, UInt64(pins))
        case .inKernel: try control.call(ckvm_KVM_CREATE_IRQCHIP, to: "create the interrupt controllers")
        }
    }

    /// Sends an interrupt at once. From any thread.
    ///
    /// - Returns: false if the guest blocked it (no processor accepts the message now).
    @discardableResult
    public func signal(_ message: InterruptMessage) throws(KVMError) -> Bool {
        var request = kvm_msi()
        request.address_lo = UInt32(truncatingIfNeeded: message.address)
        request.address_hi = UInt32(truncatingIfNeeded: message.address >> 32)
        request.data = message.data
        return try control.call(ckvm_KVM_SIGNAL_MSI, with: &request, to: "send an interrupt") > 0
    }

    /// Sets which message each global interrupt number stands for. A nil entry has none.
    ///
    /// The kernel uses it for irqfds, and reports the end of level-triggered interrupts (delivery of
    /// which is in the message's data, bit 15) of the first numbers, the I/O APIC's pins.
    public func setInterruptRouting(_ messages: [InterruptMessage?]) throws(KVMError) {
        let entrySize = MemoryLayout<kvm_irq_routing_entry>.stride
        let count = messages.count { $0 != nil }
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: ckvm_irq_routing_header_size + count * entrySize,
            alignment: MemoryLayout<kvm_irq_routing_entry>.alignment)
        defer { unsafe block.deallocate() }
        // SAFETY: the block is a header of two 32-bit words and `count` entries.
        unsafe block.storeBytes(of: UInt32(count), as: UInt32.self)
        unsafe block.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
        var offset = ckvm_irq_routing_header_size
        for (number, message) in messages.enumerated() {
            guard let message else { continue }
            var entry = kvm_irq_routing_entry()
            entry.gsi = UInt32(number)
            entry.type = UInt32(KVM_IRQ_ROUTING_MSI)
            // SAFETY: the type says that the union holds a message.
            unsafe entry.u.msi.address_lo = UInt32(truncatingIfNeeded: message.address)
            unsafe entry.u.msi.address_hi = UInt32(truncatingIfNeeded: message.address >> 32)
            unsafe entry.u.msi.data = message.data
            unsafe (block + offset).storeBytes(of: entry, as: kvm_irq_routing_entry.self)
            offset += entrySize
        }
        try unsafe control.call(ckvm_KVM_SET_GSI_ROUTING, with: block, to: "set the interrupt routing")
    }

    /// Makes a write to the descriptor raise the interrupt with this global number.
    public func attachInterrupt(_ number: UInt32, to event: borrowing EventDescriptor) throws(KVMError) {
        try setInterruptDescriptor(number, event, flags: 0)
    }

    /// Undoes `attachInterrupt`.
    public func detachInterrupt(_ number: UInt32, from event: borrowing EventDescriptor) throws(KVMError) {
        try setInterruptDescriptor(number, event, flags: UInt32(KVM_IRQFD_FLAG_DEASSIGN))
    }

    private func setInterruptDescriptor(
        _ number: UInt32, _ event: borrowing EventDescriptor, flags: UInt32
    ) throws(KVMError) {
        var request = kvm_irqfd()
        request.fd = UInt32(bitPattern: event.descriptor.number)
        request.gsi = number
        request.flags = flags
        try control.call(ckvm_KVM_IRQFD, with: &request, to: "attach a descriptor to interrupt \(number)")
    }

    /// Makes a guest's 32-bit write of `value` to an address without memory write the descriptor, with
    /// no exit to the process.
    public func attachDoorbell(
        at address: GuestAddress, value: UInt32, to event: borrowing EventDescriptor
    ) throws(KVMError) {
        try setDoorbell(address, value, event, flags: 0)
    }

    /// Undoes `attachDoorbell`.
    public func detachDoorbell(
        at address: GuestAddress, value: UInt32, from event: borrowing EventDescriptor
    ) throws(KVMError) {
        try setDoorbell(address, value, event, flags: 1 << UInt32(kvm_ioeventfd_flag_nr_deassign))
    }

    private func setDoorbell(
        _ address: GuestAddress, _ value: UInt32, _ event: borrowing EventDescriptor, flags: UInt32
    ) throws(KVMError) {
        var request = kvm_ioeventfd()
        request.datamatch = UInt64(value)
        request.addr = address.rawValue
        request.len = 4
        request.fd = event.descriptor.number
        request.flags = flags | 1 << UInt32(kvm_ioeventfd_flag_nr_datamatch)
        try control.call(ckvm_KVM_IOEVENTFD, with: &request, to: "attach a doorbell at \(address)")
    }
}

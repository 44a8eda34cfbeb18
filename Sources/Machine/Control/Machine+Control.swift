internal import ControlProtocol
internal import Devices
internal import JSONText
internal import KVM
internal import X86

// What can be asked of a live machine, in the words of the control socket.
extension Machine {
    /// The devices that can be told apart from outside.
    var deviceStatus: [DeviceStatus] {
        devices.map { DeviceStatus(id: $0.id, kind: $0.kind, fields: $0.statusFields.map(JSONMember.init)) }
    }

    /// Changes a device's limits.
    func setLimits(of device: String, _ change: LimitChange) throws(ControlError) -> DeviceStatus {
        guard let found = devices.first(where: { $0.id == device }) else {
            let known = devices.map(\.id).joined(separator: ", ")
            throw ControlError(
                .noSuchDevice, "there is no device \(JSONValue.string(device).text()); there are: \(known)")
        }
        do {
            try found.setLimits(
                DeviceLimits(
                    bytesPerSecond: change.bytesPerSecond, operationsPerSecond: change.operationsPerSecond,
                    burstBytes: change.burstBytes, burstOperations: change.burstOperations))
        } catch {
            throw ControlError(error)
        }
        return DeviceStatus(
            id: found.id, kind: found.kind, fields: found.statusFields.map(JSONMember.init))
    }

    /// Sets the balloon's target, if one is given, and tells how it is.
    func balloon(targetBytes: UInt64?) throws(ControlError) -> BalloonStatus {
        guard let balloon else { throw ControlError(.notSupported, "this machine has no balloon") }
        do {
            if let targetBytes { try balloon.setTarget(bytes: targetBytes) }
        } catch {
            throw ControlError(error)
        }
        return BalloonStatus(
            targetBytes: balloon.targetBytes, actualBytes: balloon.actualBytes,
            statistics: balloon.statistics.map(JSONMember.init))
    }

    /// The registers of all virtual CPUs. A machine that runs is stopped for as long as reading takes.
    func registers() throws(ControlError) -> JSONValue {
        let all: JSONValue?
        do throws(KVMError) {
            all = try atBarrier { (cpus) throws(KVMError) in
                var all: [JSONValue] = []
                for cpu in cpus { all.append(try Self.registers(of: cpu)) }
                return .array(all)
            }
        } catch {
            throw ControlError(.internalError, "\(error)")
        }
        guard let all else { throw ControlError(.ended, "the machine has ended") }
        return all
    }

    private static func registers(of processor: VirtualProcessor) throws(KVMError) -> JSONValue {
        let general = try processor.cpu.generalRegisters()
        let special = try processor.cpu.specialRegisters()
        let activity = try processor.cpu.multiprocessorState()
        let values: [(String, UInt64)] = [
            ("rip", general.rip), ("rflags", general.rflags),
            ("rax", general.rax), ("rbx", general.rbx), ("rcx", general.rcx), ("rdx", general.rdx),
            ("rsi", general.rsi), ("rdi", general.rdi), ("rsp", general.rsp), ("rbp", general.rbp),
            ("r8", general.r8), ("r9", general.r9), ("r10", general.r10), ("r11", general.r11),
            ("r12", general.r12), ("r13", general.r13), ("r14", general.r14), ("r15", general.r15),
            ("cr0", special.cr0.rawValue), ("cr2", special.cr2), ("cr3", special.cr3),
            ("cr4", special.cr4.rawValue), ("cr8", special.cr8), ("efer", special.extendedFeatures.rawValue),
            ("apicBase", special.apicBase),
            ("gdtBase", special.globalTable.base), ("idtBase", special.interruptTable.base),
        ]
        let segments = [
            ("cs", special.cs), ("ds", special.ds), ("es", special.es), ("fs", special.fs),
            ("gs", special.gs), ("ss", special.ss), ("tr", special.taskRegister),
            ("ldt", special.localDescriptorTable),
        ]
        let specific = try processor.cpu.modelSpecificRegisters([0xC000_0082, 0xC000_0102])
        var members = [
            JSONMember("cpu", JSONValue(processor.cpu.number)),
            JSONMember("activity", activity.map { .string("\($0)") } ?? .null),
        ]
        // Text: the numbers of many readers of JSON have 53 bits.
        members += values.map { JSONMember($0.0, .string(hexadecimal($0.1))) }
        // IA32_LSTAR, where system calls enter, and IA32_KERNEL_GS_BASE: with them a kernel is found.
        members += zip(["lstar", "kernelGSBase"], specific).map { name, value in
            JSONMember(name, value.map { .string(hexadecimal($0)) } ?? .null)
        }
        members += segments.map { name, segment in
            JSONMember(
                name,
                [
                    "selector": .string(hexadecimal(UInt64(segment.selector))),
                    "base": .string(hexadecimal(segment.base)),
                    "limit": .string(hexadecimal(UInt64(segment.limit))),
                ])
        }
        return .object(members)
    }
}

extension JSONMember {
    init(_ field: StatusField) {
        let value: JSONValue =
            switch field.value {
            case .number(let number): JSONValue(number)
            case .text(let text): .string(text)
            case .flag(let flag): .boolean(flag)
            }
        self.init(field.name, value)
    }
}

extension ControlError {
    init(_ error: DeviceControlError) {
        switch error {
        case .notSupported(let sentence): self.init(.notSupported, sentence)
        case .invalid(let sentence): self.init(.invalidParams, sentence)
        }
    }
}

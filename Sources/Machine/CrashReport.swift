public import KVM
public import X86

/// What is known of a guest that cannot go on, for the person who has to find out why.
public struct CrashReport: Equatable, Sendable {
    /// What kind of end it was.
    public enum Cause: Equatable, Sendable {
        /// An exception while delivering the double fault's exception.
        case tripleFault
        /// An instruction that KVM has to emulate and cannot.
        case emulationFailure(instruction: [UInt8])
        /// KVM gave up for another reason: its sub-error.
        case internalError(UInt32)
        /// The processor refused the guest's state: the hardware's reason.
        case failedEntry(UInt64)
        /// An exit this version of Roost does not know.
        case unknownExit(VMExit)
    }

    /// The kind of end.
    public let cause: Cause
    /// The number of the virtual CPU it happened on.
    public let processor: Int
    /// The registers then, if they could be read.
    public let general: GeneralRegisters?
    /// Control registers and segments then, if they could be read.
    public let special: SpecialRegisters?

    /// One line: what happened and where.
    public var headline: String {
        let place = general.map { " at rip \(hexadecimal($0.rip))" } ?? ""
        let processor = " on virtual CPU \(processor)"
        switch cause {
        case .tripleFault:
            return "triple fault\(processor)\(place)"
        case .emulationFailure(let instruction):
            let bytes = instruction.map { hexadecimal(UInt64($0), digits: 2) }.joined(separator: " ")
            let shown = bytes.isEmpty ? "" : ": instruction bytes \(bytes)"
            return "KVM cannot emulate an instruction\(processor)\(place)\(shown)"
        case .internalError(let suberror):
            return "KVM internal error \(suberror)\(processor)\(place)"
        case .failedEntry(let reason):
            return
                "the processor refuses the guest's state (hardware reason \(hexadecimal(reason)))\(processor)\(place)"
        case .unknownExit(let exit):
            return "KVM exit \(exit), after which Roost cannot go on,\(processor)\(place)"
        }
    }

    /// The registers as a table, a few lines.
    public var registerTable: String {
        guard let general else { return "  (the registers could not be read)" }
        let rows: [[(String, UInt64)]] = [
            [("rax", general.rax), ("rbx", general.rbx), ("rcx", general.rcx), ("rdx", general.rdx)],
            [("rsi", general.rsi), ("rdi", general.rdi), ("rsp", general.rsp), ("rbp", general.rbp)],
            [("r8", general.r8), ("r9", general.r9), ("r10", general.r10), ("r11", general.r11)],
            [("r12", general.r12), ("r13", general.r13), ("r14", general.r14), ("r15", general.r15)],
            [("rip", general.rip), ("rflags", general.rflags)],
        ]
        var lines = rows.map { row in
            row.map { "  " + padded($0.0) + " " + hexadecimal($0.1, digits: 16) }.joined()
        }
        if let special {
            lines.append(
                "  " + padded("cr0") + " " + hexadecimal(special.cr0.rawValue) + "  cr2 "
                    + hexadecimal(special.cr2)
                    + "  cr3 " + hexadecimal(special.cr3) + "  cr4 " + hexadecimal(special.cr4.rawValue)
                    + "  efer " + hexadecimal(special.extendedFeatures.rawValue))
            lines.append(
                "  " + padded("cs") + " " + hexadecimal(UInt64(special.cs.selector)) + " (base "
                    + hexadecimal(special.cs.base) + (special.cs.isLong ? ", 64-bit" : "") + ")  ss "
                    + hexadecimal(UInt64(special.ss.selector)) + "  gdt "
                    + hexadecimal(special.globalTable.base)
                    + "  idt " + hexadecimal(special.interruptTable.base))
        }
        return lines.joined(separator: "\n")
    }

    private func padded(_ name: String) -> String {
        name + String(repeating: " ", count: max(0, 6 - name.utf8.count))
    }
}

/// A number as people write addresses; `digits` pads with zeros and leaves out the prefix.
func hexadecimal(_ value: UInt64, digits: Int? = nil) -> String {
    let text = String(value, radix: 16)
    guard let digits else { return "0x" + text }
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

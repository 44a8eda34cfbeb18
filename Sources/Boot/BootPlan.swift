public import GuestMemory
public import X86

/// The file a part of guest memory comes from.
public enum ImageRole: String, Sendable {
    /// The kernel's image.
    case kernel
    /// The initial RAM disk.
    case initrd
}

/// Bytes of a file that belong at a place in guest memory.
public struct FileCopy: Equatable, Sendable {
    /// The file to read.
    public let source: ImageRole
    /// The first byte's offset in it. The whole run lies inside the size the plan was made from.
    public let fileOffset: UInt64
    /// Where the bytes go; never empty, and always RAM.
    public let destination: GuestRange
}

/// Bytes made here that belong at a place in guest memory.
public struct MemoryWrite: Equatable, Sendable {
    /// What the bytes are, for messages.
    public let area: BootArea
    /// Where the first byte goes.
    public let address: GuestAddress
    /// The bytes; never empty, and always RAM as a whole.
    public let bytes: [UInt8]
}

/// How a kernel is entered.
public enum BootProtocol: String, Sendable {
    /// Xen's PVH entry: 32-bit protected mode, EBX holds the start info's address.
    case pvh
    /// The Linux 64-bit boot protocol: long mode, RSI holds the zero page's address.
    case linux64
}

/// What must be put where in fresh, zeroed guest memory, and how the boot processor starts.
///
/// No two copies or writes overlap, and all lie in RAM. Memory that is not mentioned stays zero:
/// that is how a kernel gets its zero-initialised data.
public struct BootPlan: Equatable, Sendable {
    /// How the kernel is entered.
    public let bootProtocol: BootProtocol
    /// What to read from files into guest memory.
    public let fileCopies: [FileCopy]
    /// What to write into guest memory.
    public let writes: [MemoryWrite]
    /// What the boot processor starts with.
    public let processor: ProcessorState
    /// The memory the kernel takes, file contents and zeroed parts, in ascending order.
    public let kernelRanges: [GuestRange]
    /// Where the kernel's code lies, as far as its file tells. Linux rewrites most of it when it boots.
    public let codeRanges: [GuestRange]
    /// Where the initial RAM disk lies.
    public let initrdRange: GuestRange?
    /// The memory map that is handed to the kernel.
    public let memoryMap: MemoryMap
    /// Where the ACPI root pointer lies, if there are tables.
    public let rootPointer: GuestAddress?

    /// Where the boot processor begins to execute.
    public var entry: GuestAddress { GuestAddress(processor.general.rip) }

    /// One line for people: protocol, entry, and where things lie.
    public var summary: String {
        var parts = ["\(bootProtocol.rawValue) entry \(entry)"]
        parts.append("kernel " + kernelRanges.map(\.description).joined(separator: " "))
        if let initrdRange {
            parts.append("initrd \(initrdRange)")
        }
        if let rootPointer {
            parts.append("ACPI root pointer \(rootPointer)")
        }
        return parts.joined(separator: ", ")
    }
}

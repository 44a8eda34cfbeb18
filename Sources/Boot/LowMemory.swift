internal import GuestMemory

/// What lies where in the first mebibyte of a guest that has just been started.
///
/// ```
///  0x00000 ┬ first page: free, all zero (a PC has its interrupt vectors and BIOS data here)
///  0x01000 ┼ global descriptor table
///  0x02000 ┼ zero page (Linux 64-bit protocol) or start info, modules and memory map (PVH)
///  0x03000 ┼ command line with its NUL
///  0x10000 ┼ page tables: 4 GiB identity mapped (Linux 64-bit protocol only)
///  0x16000 ┼ free; a kernel may have segments here
///  0x9FC00 ┼ reserved, as a PC's extended BIOS data area and video memory are
///  0xE0000 ┼ ACPI tables, the root pointer first, where a search of a PC's BIOS finds it
///  0xFFFF0 ┼ reset vector: where a guest jumps in real mode to be reset
/// 0x100000 ┴ kernel and initial RAM disk from here
/// ```
///
/// All below 0x9FC00 is announced as usable: a kernel has read its boot data before it gives the
/// memory to anybody else.
enum LowMemory {
    static let descriptorTable = GuestAddress(0x1000)
    static let bootInformation = GuestAddress(0x2000)
    static let commandLine = GuestAddress(0x3000)
    static let pageTables = GuestAddress(0x1_0000)
    static let reserved = GuestAddress(0x9_FC00)
    static let acpiTables = GuestAddress(0xE_0000)
    static let resetVector = GuestAddress(0xF_FFF0)
    static let end = GuestAddress(0x10_0000)

    /// How many bytes of command line there is room for, the NUL included.
    static let commandLineCapacity = Int(pageTables.rawValue - commandLine.rawValue)
    /// How many bytes of ACPI tables there is room for.
    static let acpiCapacity = Int(resetVector.rawValue - acpiTables.rawValue)
}

/// What a range of guest memory is used for while a guest starts.
public enum BootArea: Equatable, Sendable, CustomStringConvertible {
    /// A loadable segment of an ELF kernel, by its index among the program headers.
    case segment(Int)
    /// A bzImage with the memory it needs to unpack itself.
    case bzImage
    /// The initial RAM disk.
    case initrd
    /// The global descriptor table.
    case descriptorTable
    /// The identity-mapping page tables.
    case pageTables
    /// The kernel's command line.
    case commandLine
    /// The zero page of the Linux boot protocol.
    case bootParameters
    /// The PVH start info with its module list and memory map.
    case startInfo
    /// The ACPI tables.
    case acpiTables
    /// The code at the real-mode reset vector.
    case resetVector
    /// What a PC keeps reserved below 1 MiB.
    case reservedLowMemory

    /// The use as it stands in a sentence.
    public var description: String {
        switch self {
        case .segment(let index): "kernel segment \(index)"
        case .bzImage: "the bzImage kernel"
        case .initrd: "the initial RAM disk"
        case .descriptorTable: "the boot descriptor table"
        case .pageTables: "the boot page tables"
        case .commandLine: "the command line"
        case .bootParameters: "the boot parameters"
        case .startInfo: "the PVH start info"
        case .acpiTables: "the ACPI tables"
        case .resetVector: "the reset vector"
        case .reservedLowMemory: "the reserved memory below 1 MiB"
        }
    }
}

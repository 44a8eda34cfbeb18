internal import GuestMemory

/// What a PVH kernel is given: `hvm_start_info` version 1, with the module list and the memory map it
/// points to right behind it (Xen public/arch-x86/hvm/start_info.h).
struct StartInfo {
    static let magic: UInt32 = 0x336E_C578
    static let version: UInt32 = 1
    static let size = 56
    static let moduleSize = 32
    static let memoryMapEntrySize = 24

    let commandLine: GuestAddress
    let initrd: GuestRange?
    /// Nil if there are no ACPI tables.
    let rootPointer: GuestAddress?
    let memoryMap: MemoryMap

    /// The bytes as they stand at `address`.
    func bytes(at address: GuestAddress) -> [UInt8] {
        let modules = address.rawValue + UInt64(Self.size)
        let map = modules + (initrd == nil ? 0 : UInt64(Self.moduleSize))
        var bytes: [UInt8] = []
        bytes.append(integer: Self.magic)
        bytes.append(integer: Self.version)
        bytes.append(integer: 0 as UInt32)  // Flags: neither privileged nor the initial domain.
        bytes.append(integer: initrd == nil ? 0 : 1 as UInt32)
        bytes.append(integer: initrd == nil ? 0 : modules)
        bytes.append(integer: commandLine.rawValue)
        bytes.append(integer: rootPointer?.rawValue ?? 0)
        bytes.append(integer: map)
        bytes.append(integer: UInt32(memoryMap.entries.count))
        bytes.append(integer: 0 as UInt32)
        if let initrd {
            bytes.append(integer: initrd.start.rawValue)
            bytes.append(integer: initrd.size)
            bytes.append(integer: 0 as UInt64)  // No command line of the module's own.
            bytes.append(integer: 0 as UInt64)
        }
        for entry in memoryMap.entries {
            bytes.append(integer: entry.range.start.rawValue)
            bytes.append(integer: entry.range.size)
            bytes.append(integer: entry.kind.rawValue)
            bytes.append(integer: 0 as UInt32)
        }
        return bytes
    }
}

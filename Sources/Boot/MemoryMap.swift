public import GuestMemory

/// The memory map a kernel is given: what a PC's BIOS call E820 returns, also used by PVH
/// (ACPI 6.5, 15; Linux Documentation/arch/x86/boot.rst).
public struct MemoryMap: Equatable, Sendable {
    /// What a range of addresses is for.
    public enum Kind: UInt32, Sendable {
        /// RAM the kernel may use.
        case usable = 1
        /// Addresses the kernel must leave alone.
        case reserved = 2
        /// RAM with ACPI tables, free once they have been read.
        case acpiReclaimable = 3
    }

    /// One range.
    public struct Entry: Equatable, Sendable {
        /// The addresses.
        public let range: GuestRange
        /// What they are for.
        public let kind: Kind
    }

    /// The ranges, ascending, disjoint and never empty.
    public let entries: [Entry]

    /// The map of a guest with this RAM, laid out below 1 MiB as a PC is.
    public init(layout: AddressSpaceLayout, hasACPI: Bool) {
        let highLow = layout.low.end
        var entries: [Entry] = []
        func add(_ start: GuestAddress, _ end: GuestAddress, _ kind: Kind) {
            guard start < end, let range = GuestRange(start: start, size: end.rawValue - start.rawValue)
            else { return }
            entries.append(Entry(range: range, kind: kind))
        }
        add(GuestAddress(0), LowMemory.reserved, .usable)
        add(LowMemory.reserved, LowMemory.acpiTables, .reserved)
        add(LowMemory.acpiTables, LowMemory.end, hasACPI ? .acpiReclaimable : .reserved)
        add(LowMemory.end, highLow, .usable)
        if let high = layout.high {
            add(high.start, high.end, .usable)
        }
        self.entries = entries
    }
}

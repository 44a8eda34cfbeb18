/// Whose addresses are meant.
public enum AddressScope: Equatable, Sendable {
    /// The guest's physical memory.
    case physical
    /// The kernel's own page tables.
    case kernel
    /// A process's page tables, by its number or a thread's.
    case process(Int32)
}

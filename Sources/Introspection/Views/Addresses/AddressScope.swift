/// Whose addresses are meant.
public enum AddressScope: Equatable, Sendable {
    /// The guest's physical memory.
    case physical
    /// The kernel's own page tables.
    case kernel
    /// A process's page tables, by its number or a thread's.
    case process(Int)
}

extension IntrospectionError {
    /// Reads, and tells what went wrong as a view does.
    static func wrapping<Result>(
        _ body: () throws(ReadError) -> Result
    ) throws(IntrospectionError) -> Result {
        do throws(ReadError) {
            return try body()
        } catch {
            throw .read(error)
        }
    }
}

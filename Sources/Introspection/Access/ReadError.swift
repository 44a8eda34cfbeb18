public import GuestMemory

/// Why something could not be read from a guest.
public enum ReadError: Error, Equatable, CustomStringConvertible {
    /// No page is mapped there.
    case notMapped(VirtualAddress)
    /// The physical address is no RAM, or not in the dump.
    case notMemory(GuestAddress)
    /// The guest's own data cannot be true: a list that loops, a size that cannot be. The text says which.
    case inconsistent(String)
    /// More was to be read than any honest guest has.
    case tooMuch
    /// The machine has ended.
    case ended
    /// Its memory cannot be read. The text says why.
    case source(String)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .notMapped(let address): "nothing is mapped at \(address)"
        case .notMemory(let address): "physical address \(address) is no memory of the guest"
        case .inconsistent(let what): "the guest's memory is inconsistent: \(what)"
        case .tooMuch: "the guest's memory is inconsistent: reading it does not come to an end"
        case .ended: "the machine ended while it was read"
        case .source(let reason): reason
        }
    }
}

/// Why a guest cannot be looked into, or one thing in it not.
public enum IntrospectionError: Error, Equatable, CustomStringConvertible {
    /// The guest runs without paging, or no kernel image is mapped yet.
    case notYet
    /// What is mapped there is no Linux kernel.
    case notLinux(String)
    /// This kernel lacks something a view needs: a symbol, a type, a member.
    case missing(String)
    /// There is no such thing: a process, a symbol, a type.
    case notFound(String)
    /// The memory could not be read, or cannot be true.
    case read(ReadError)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .notYet: "no kernel is found in the guest yet: it may still be starting"
        case .notLinux(let why): "no Linux kernel is found in the guest: \(why)"
        case .missing(let what): "this kernel has no \(what)"
        case .notFound(let what): what
        case .read(let error): error.description
        }
    }
}

/// Reads what a view needs; what cannot be read ends it, told as a view tells it.
func reading<Result>(_ body: () throws(ReadError) -> Result) throws(IntrospectionError) -> Result {
    do throws(ReadError) {
        return try body()
    } catch {
        throw .read(error)
    }
}

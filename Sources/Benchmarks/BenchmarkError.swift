/// What keeps a benchmark from giving its figures.
enum BenchmarkError: Error, CustomStringConvertible {
    /// The command line is wrong.
    case usage(String)
    /// A contestant did not do what every contestant must.
    case contestant(String, String)
    /// The host lacks what this benchmark needs.
    case unavailable(String)
    /// A recorded figure was missed.
    case regression(String)

    var description: String {
        switch self {
        case .usage(let text), .unavailable(let text), .regression(let text): text
        case .contestant(let name, let what): "\(name): \(what)"
        }
    }

    /// As scripts/bench documents it.
    var status: Int32 {
        switch self {
        case .usage: 64
        case .unavailable: 69
        case .contestant, .regression: 1
        }
    }
}

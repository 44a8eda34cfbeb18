/// A value that a view of a guest shows, as `roost inspect --json` prints it: addresses are text that begins with 0x.
public enum ViewCell: Equatable, Sendable, Decodable, CustomStringConvertible {
    case none
    case text(String)
    case number(Int64)
    case flag(Bool)
    case list([ViewCell])
    case record([String: ViewCell])

    /// From JSON.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .none
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([ViewCell].self) {
            self = .list(list)
        } else {
            self = .record(try container.decode([String: ViewCell].self))
        }
    }

    /// As a report of a difference shows it.
    public var description: String {
        switch self {
        case .none: "-"
        case .text(let text): text
        case .number(let number): "\(number)"
        case .flag(let flag): flag ? "yes" : "no"
        case .list(let cells): cells.map(\.description).joined(separator: ",")
        case .record(let fields): "\(fields)"
        }
    }

    /// The number, if it is one.
    public var number: Int64? {
        if case .number(let number) = self { number } else { nil }
    }
}

/// A row of a view: its values by their keys in JSON.
public typealias ViewCells = [String: ViewCell]

extension ViewCells {
    /// A value as text; what is not there is `-`.
    func text(_ key: String) -> String { self[key]?.description ?? "-" }
}

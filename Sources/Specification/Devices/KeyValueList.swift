/// A list as options take it: `path=disk.img,readonly=on`.
///
/// A comma within a value is written twice. The first `=` of an item ends its key. Where the option
/// has a main key, the first item may be its value alone.
public struct KeyValueList: Equatable, Sendable {
    /// One key and its value, neither of them empty.
    public struct Item: Equatable, Sendable {
        /// What stands before the first `=`.
        public let key: String
        /// All that follows.
        public let value: String

        /// An item by its two halves.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Why a text is no such list.
    public enum Mistake: Error, Equatable, CustomStringConvertible {
        /// Nothing stands before, between or after two commas, or in the whole text.
        case emptyItem
        /// An item begins with `=`.
        case emptyKey(value: String)
        /// An item ends with its `=`.
        case emptyValue(key: String)
        /// An item has no `=`.
        case noValue(item: String)
        /// A key stands in the list twice.
        case twice(key: String)

        /// The mistake in one line.
        public var description: String {
            switch self {
            case .emptyItem: "an item of the list is empty (a comma in a value is written ,,)"
            case .emptyKey(let value): "there is no key before =\(value)"
            case .emptyValue(let key): "\(key) has no value"
            case .noValue(let item): "\(item) is not KEY=VALUE"
            case .twice(let key): "\(key) is given twice"
            }
        }
    }

    /// The items, in order; every key is there once.
    public let items: [Item]

    /// Reads a list.
    ///
    /// - Parameter mainKey: the key of a first item that has no `=`; nil where every item needs one.
    public init(_ text: String, mainKey: String? = nil) throws(Mistake) {
        var items: [Item] = []
        for part in Self.split(text) {
            let item = try Self.item(part, mainKey: items.isEmpty ? mainKey : nil)
            guard !items.contains(where: { $0.key == item.key }) else { throw .twice(key: item.key) }
            items.append(item)
        }
        self.items = items
    }

    /// The parts between single commas, with double commas made single.
    private static func split(_ text: String) -> [String] {
        let comma = UInt8(ascii: ",")
        var parts: [String] = []
        var part: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte != comma {
                part.append(byte)
            } else if rest.first == comma {
                rest.removeFirst()
                part.append(comma)
            } else {
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
            }
        }
        parts.append(String(decoding: part, as: UTF8.self))
        return parts
    }

    private static func item(_ part: String, mainKey: String?) throws(Mistake) -> Item {
        guard !part.isEmpty else { throw .emptyItem }
        guard let sign = part.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            guard let mainKey else { throw .noValue(item: part) }
            return Item(mainKey, part)
        }
        let key = String(part[..<sign])
        let value = String(part[part.utf8.index(after: sign)...])
        guard !key.isEmpty else { throw .emptyKey(value: value) }
        guard !value.isEmpty else { throw .emptyValue(key: key) }
        return Item(key, value)
    }
}

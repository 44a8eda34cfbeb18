internal import JSONText
internal import Yams

/// Reads YAML 1.2 into the values of JSON, whose members know where they stand.
///
/// Plain scalars mean what the core schema says (YAML 1.2.2, §10.3): `yes`, `on` and `1:30` are texts. Anchors,
/// aliases and the merge key `<<` are followed; tags are not. JSON is YAML, too.
enum YAMLText {
    /// What is wrong, and where.
    struct Problem: Error {
        let position: TextPosition?
        let reason: String

        init(_ position: TextPosition?, _ reason: String) {
            self.position = position
            self.reason = reason
        }

        init(_ mark: Mark?, _ reason: String) {
            self.init(mark.map { TextPosition(line: $0.line, column: $0.column) }, reason)
        }
    }

    /// The most bytes that are read.
    static let longest = 1 << 20
    /// The most values: a few aliases of aliases stand for more than there is memory.
    static let mostValues = 100_000

    /// Reads a text that holds one document.
    static func value(of bytes: [UInt8]) throws(Problem) -> JSONValue {
        guard bytes.count <= longest else {
            throw Problem(nil as TextPosition?, "the text is longer than \(longest) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(nil as TextPosition?, "the text is not UTF-8")
        }
        let root: Node?
        do {
            // Told, so that no environment variable of the library's has a say.
            root = try Parser(yaml: text, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw problem(error, in: text)
        } catch {
            throw Problem(nil as TextPosition?, "\(error)")
        }
        guard let root else { return .null }
        var reader = NodeReader()
        return try reader.value(root)
    }

    private static func problem(_ error: YamlError, in text: String) -> Problem {
        switch error {
        case .scanner(_, _, let mark, _) where isIndentedByTab(mark.line, of: text):
            Problem(mark, "the line is indented with a tab; YAML wants spaces")
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            Problem(mark, (context.map { "\($0.text) " } ?? "") + problem)
        case .reader(let problem, _, _, _):
            Problem(nil as TextPosition?, problem)
        case .duplicatedKeysInMapping(let keys, let context):
            Problem(context.mark, "the key \(JSONValue.string(keys.first ?? "").text()) stands there twice")
        default:
            Problem(nil as TextPosition?, "the text cannot be read as YAML")
        }
    }

    /// - Parameter number: of the line, from 1.
    private static func isIndentedByTab(_ number: Int, of text: String) -> Bool {
        let lines = text.split(separator: "\n", maxSplits: max(number, 1), omittingEmptySubsequences: false)
        guard lines.indices.contains(number - 1) else { return false }
        return lines[number - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
    }

    /// Takes a document apart.
    private struct NodeReader {
        private var count = 0

        mutating func value(_ node: Node) throws(Problem) -> JSONValue {
            count += 1
            guard count <= YAMLText.mostValues else {
                throw Problem(node.mark, "there are more than \(YAMLText.mostValues) values")
            }
            switch node {
            case .scalar(let scalar): return try Self.scalar(scalar)
            case .sequence(let sequence):
                var items: [JSONValue] = []
                for item in sequence { items.append(try value(item)) }
                return .array(items)
            case .mapping(let mapping): return .object(try members(mapping))
            case .alias: throw Problem(node.mark, "an alias stands for nothing")
            }
        }

        private mutating func members(_ mapping: Node.Mapping) throws(Problem) -> [JSONMember] {
            var members: [JSONMember] = []
            var merged: [JSONMember] = []
            for (key, node) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw Problem(key.mark, "a key is a text, nothing larger")
                }
                let content = try value(node)
                if scalar.string == "<<", scalar.style == .plain {
                    merged += try Self.merged(content, at: key.mark)
                } else {
                    members.append(JSONMember(scalar.string, content, at: YAMLText.position(key.mark)))
                }
            }
            // What stands here goes before what is merged in, and of that the first.
            for member in merged where !members.contains(where: { $0.key == member.key }) {
                members.append(member)
            }
            return members
        }

        private static func merged(_ value: JSONValue, at mark: Mark?) throws(Problem) -> [JSONMember] {
            switch value {
            case .object(let members): return members
            case .array(let items):
                var members: [JSONMember] = []
                for item in items { members += try merged(item, at: mark) }
                return members
            default: throw Problem(mark, "<< merges mappings, and this is \(value.kind)")
            }
        }

        private static func scalar(_ scalar: Node.Scalar) throws(Problem) -> JSONValue {
            let tag = "\(scalar.tag)"
            guard tag.isEmpty || tag == "!" || tag == "tag:yaml.org,2002:str" else {
                throw Problem(scalar.mark, "the tag \(JSONValue.string(tag).text()) is not known here")
            }
            guard tag.isEmpty, scalar.style == .plain else { return .string(scalar.string) }
            return CoreSchema.value(scalar.string)
        }
    }

    private static func position(_ mark: Mark?) -> TextPosition? {
        mark.map { TextPosition(line: $0.line, column: $0.column) }
    }
}

/// What a plain scalar means: the core schema (YAML 1.2.2, §10.3.2).
enum CoreSchema {
    static func value(_ text: String) -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: return number(text) ?? .string(text)
        }
    }

    private static func number(_ text: String) -> JSONValue? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            guard digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
            return UInt64(digits, radix: radix).map { JSONValue($0) }
        }
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard text.count - digits.count <= 1, let first = digits.first, "0123456789.".contains(first),
            digits.allSatisfy({ "0123456789.eE+-".contains($0) })
        else { return nil }
        if digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
            if let small = Int64(text) { return .integer(small) }
            if !text.hasPrefix("-"), let large = UInt64(digits) { return JSONValue(large) }
        }
        // A number too large for a Double would be no number.
        return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    }
}

extension JSONValue {
    /// How a text is laid out.
    public enum Layout: Sendable {
        /// One line without white space.
        case compact
        /// One member or element a line, indented by two spaces.
        case pretty
    }

    /// The text of this value. Members stand in their order.
    ///
    /// Control characters are always written as escapes, those above ASCII too, so that the text
    /// does a terminal no harm. A `Double` that is no number or infinite, for which JSON has no
    /// word, becomes `null`. Pretty text has no line feed at its end.
    public func text(_ layout: Layout = .compact) -> String {
        var writer = JSONWriter(layout: layout)
        writer.write(self)
        return writer.text
    }
}

private struct JSONWriter {
    let layout: JSONValue.Layout
    var text = ""
    private var depth = 0

    init(layout: JSONValue.Layout) {
        self.layout = layout
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .unsigned(let value): text += String(value)
        case .number(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): write(string: value)
        case .array(let elements):
            write(elements, "[", "]") { writer, element in writer.write(element) }
        case .object(let members):
            write(members, "{", "}") { writer, member in
                writer.write(string: member.key)
                writer.text += writer.layout == .pretty ? ": " : ":"
                writer.write(member.value)
            }
        }
    }

    private mutating func write<Item>(
        _ items: [Item], _ opening: String, _ closing: String,
        each: (inout JSONWriter, Item) -> Void
    ) {
        text += opening
        depth += 1
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            newLine()
            each(&self, item)
        }
        depth -= 1
        if !items.isEmpty { newLine() }
        text += closing
    }

    private mutating func newLine() {
        guard layout == .pretty else { return }
        text += "\n" + String(repeating: "  ", count: depth)
    }

    private mutating func write(string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": text += escape(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// How much text one look may gather: a guest may claim a path of thousands of bytes for each of millions of
/// things, and all of them would be kept.
struct TextAllowance {
    /// Bytes left: some hundred times what a big guest has.
    private var left = 64 << 20

    /// The text, or nil when all that was allowed is used up.
    mutating func take(_ text: String?) -> String? {
        guard let text, text.utf8.count <= left else { return nil }
        left -= text.utf8.count
        return text
    }
}

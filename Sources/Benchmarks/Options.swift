/// The command line: words `--key value` and `--flag`, each known key once, except `--contestant`.
struct Options {
    private var values: [String: String] = [:]
    private var flags: Set<String> = []
    /// What was given by `--contestant NAME=COMMAND WORD…`, in order.
    private(set) var extraContestants: [String] = []

    private static let knownFlags: Set<String> = ["verbose", "counted", "check"]
    private static let knownKeys: Set<String> = [
        "runs", "json", "raw", "roost-vmm", "roost", "roostd", "qemu", "guests", "memory", "count",
        "machines", "only",
        "kernel", "initrd", "cmdline", "thresholds", "figures", "image", "image-mib", "seconds", "wait",
        "case", "svg", "processors", "volatility",
    ]

    init(_ words: some Sequence<String>) throws(BenchmarkError) {
        var words = words.makeIterator()
        while let word = words.next() {
            let key = String(word.drop { $0 == "-" })
            guard word.hasPrefix("--") else { throw .usage("what is '\(word)'?") }
            if Self.knownFlags.contains(key) {
                flags.insert(key)
                continue
            }
            guard Self.knownKeys.contains(key) || key == "contestant" else {
                throw .usage("there is no option \(word)")
            }
            guard let value = words.next() else { throw .usage("\(word) needs a value") }
            if key == "contestant" {
                extraContestants.append(value)
            } else {
                values[key] = value
            }
        }
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    func text(_ key: String) -> String? { values[key] }

    func number(_ key: String, default standard: Int) throws(BenchmarkError) -> Int {
        guard let text = values[key] else { return standard }
        guard let number = Int(text), number > 0 else {
            throw .usage("--\(key) needs a positive whole number, not '\(text)'")
        }
        return number
    }
}

/// What a stock Linux guest told of itself: the output of `report` (scripts/lab.d/guest-report), which judges what is
/// seen of it from outside.
///
/// Each method compares a view with it, and answers a line for each difference: none if the view is right.
public struct GuestReport: Sendable {
    private let sections: [String: [String]]

    /// - Parameter text: what was printed. What comes before its first part is passed over, and so are its `\r`.
    public init(_ text: String) {
        var sections: [String: [String]] = [:]
        var name: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.filter { $0 != "\r" }
            if line.hasPrefix("== ") {
                name = String(line.dropFirst(3))
                if let name { sections[name] = [] }
            } else if let name {
                sections[name]?.append(line)
            }
        }
        self.sections = sections.mapValues { lines in lines.filter { !$0.isEmpty } }
    }

    /// The lines of a part, empty ones left out; an error if it was not told.
    func section(_ name: String) throws -> [String] {
        guard let lines = sections[name] else {
            throw TestFailure("the guest told nothing of '\(name)', only of \(sections.keys.sorted())")
        }
        return lines
    }

    /// Whether a part was told.
    public func has(_ name: String) -> Bool { !(sections[name] ?? []).isEmpty }

    /// The only line of a part.
    func line(_ name: String) throws -> String {
        let lines = try section(name)
        guard let first = lines.first else { throw TestFailure("the guest's '\(name)' is empty") }
        return first
    }

    /// The processes of which files, areas and stacks were told.
    public var processes: [Int] {
        sections.keys.compactMap { $0.hasPrefix("maps ") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    /// Compares two lists of lines in order.
    static func differences(_ what: String, seen: [String], told: [String]) -> [String] {
        var differences: [String] = []
        for index in 0..<max(seen.count, told.count) where differences.count < 10 {
            let left = index < seen.count ? seen[index] : "(nothing)"
            let right = index < told.count ? told[index] : "(nothing)"
            if left != right { differences.append("\(what) \(index): seen '\(left)', told '\(right)'") }
        }
        return differences
    }
}

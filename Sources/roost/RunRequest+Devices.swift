internal import JSONText
internal import Specification

// `--rng` and `--balloon` may stand alone, which ArgumentParser cannot tell from one whose value is the
// next word. So they are written out before it sees them.
extension RunRequest {
    /// The arguments of `roost` with a value for each device option of `run` that has none.
    static func withAllValues(_ arguments: [String]) -> [String] {
        guard arguments.first == "run" else { return arguments }
        var result: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--":
                return result + [word] + rest
            case "--cmdline":
                // Its value may be anything, an option too.
                result.append(word)
                if let value = rest.popFirst() { result.append(value) }
            case _ where isAlone(word, before: rest.first):
                result.append("\(word)=\(DeviceOption.standardValue)")
            default:
                result.append(word)
            }
        }
        return result
    }

    private static func isAlone(_ word: String, before next: String?) -> Bool {
        guard DeviceOption.allCases.contains(where: { $0.valueIsOptional && $0.flag == word }) else {
            return false
        }
        return next.map { !DeviceOption.isValue($0) } ?? true
    }

    /// An error in what the flags ask for, in their words: `--disk 2's id`; nil if no flag is at fault.
    func inFlags(_ error: SpecError) -> SpecError? {
        guard let field = error.field, flagName(field) != nil else { return nil }
        return error.naming { flagName($0) ?? $0 }
    }

    /// `--disk 2's id` for `disks[1].id`; nil for a field that no flag set.
    private func flagName(_ field: String) -> String? {
        let root = field.prefix { $0 != "[" && $0 != "." }
        guard let override = overrides.first(where: { $0.field == root }) else { return nil }
        guard root.endIndex < field.endIndex else { return override.flag }
        let parts = field[root.endIndex...]
            .split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let index = Int(parts[0].drop { $0 == "[" }.prefix { $0 != "]" })
        let place = index.map { " \($0 + 1)" } ?? ""
        return override.flag + place + (parts.count == 2 ? "'s \(parts[1])" : "")
    }
}

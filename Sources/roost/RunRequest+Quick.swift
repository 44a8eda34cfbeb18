internal import JSONText
internal import Specification

// ArgumentParser takes 2.5 ms for `roost run`, nearly all of it reflection, which is more than all the
// rest up to the guest's first instruction. So the plain case is read here, from a table; whatever is
// not plain (help, abbreviations, mistakes, a flag given twice, `--`) is left to ArgumentParser, which
// stays the authority. A test compares the two.
extension RunRequest {
    /// A flag with a value.
    private struct ValueFlag: Sendable {
        let long: String
        var short: String?
        let field: String
        /// The value's JSON; nil leaves the mistake to ArgumentParser.
        var read: @Sendable (String) -> JSONValue? = { .string($0) }
        /// Whether the value may begin with a dash.
        var takesAnything = false
        /// Whether it may be given many times; its field is then an array.
        var repeats = false
        /// Whether it may stand without a value.
        var valueIsOptional = false

        init(
            long: String, short: String? = nil, field: String, takesAnything: Bool = false,
            read: @escaping @Sendable (String) -> JSONValue? = { .string($0) }
        ) {
            self.long = long
            self.short = short
            self.field = field
            self.takesAnything = takesAnything
            self.read = read
        }

        init(_ device: DeviceOption) {
            self.init(long: device.flag, field: device.field) { try? device.json($0) }
            repeats = device.repeats
            valueIsOptional = device.valueIsOptional
        }
    }

    private static let valueFlags: [ValueFlag] = [
        ValueFlag(long: "--cpus", short: "-c", field: "cpus") { Int($0).map { JSONValue($0) } },
        ValueFlag(long: "--memory", short: "-m", field: "memory") { text(ByteSize($0)) },
        ValueFlag(long: "--initrd", short: "-i", field: "initrd"),
        ValueFlag(long: "--cmdline", field: "commandLine", takesAnything: true),
        ValueFlag(long: "--name", short: "-n", field: "name"),
        ValueFlag(long: "--console", field: "console") { text(ConsoleSpec($0)) },
        ValueFlag(long: "--escape", field: "escapeKey") { text(EscapeKey($0)) },
        ValueFlag(long: "--boot-protocol", field: "bootProtocol") { text(BootProtocol(rawValue: $0)) },
        ValueFlag(long: "--grace", field: "graceSeconds") { Int($0).map { JSONValue($0) } },
        ValueFlag(long: "--log-level", field: "logLevel") { text(LogLevel(rawValue: $0)) },
        ValueFlag(long: "--run-directory", field: "runDirectory"),
        ValueFlag(long: "--virtio-console", field: "virtioConsole") { text(ConsoleSpec($0)) },
        ValueFlag(long: "--io-threads", field: "ioThreads") { Int($0).map { JSONValue($0) } },
        ValueFlag(long: "--cpu-shares", field: "cpuShares"),
        ValueFlag(long: "--cpu-reservation", field: "cpuReservation"),
        ValueFlag(long: "--cpu-limit", field: "cpuLimit"),
        ValueFlag(long: "--pool", field: "pool"),
        ValueFlag(.disk), ValueFlag(.net), ValueFlag(.vsock), ValueFlag(.balloon), ValueFlag(.rng),
    ]

    private static func text(_ value: (some Any)?) -> JSONValue? {
        value.map { .string("\($0)") }
    }

    /// Reads the arguments of `roost` if they are a plain `run`; nil leaves them to ArgumentParser.
    init?(plain arguments: [String]) {
        guard arguments.first == "run" else { return nil }
        var rest = arguments.dropFirst()
        while let word = rest.popFirst() {
            guard take(word, &rest) else { return nil }
        }
    }

    private mutating func take(_ word: String, _ rest: inout ArraySlice<String>) -> Bool {
        switch word {
        case "--print-spec" where !printSpec:
            printSpec = true
            return true
        case "-d" where !detach, "--detach" where !detach:
            detach = true
            return true
        case "--unmanaged":
            return set("managed", "--unmanaged", false)
        case "--huge-pages":
            return set("hugePages", "--huge-pages", true)
        case "--no-huge-pages":
            return set("hugePages", "--huge-pages", false)
        case _ where !word.hasPrefix("-"):
            return set("kernel", "KERNEL", .string(word))
        default:
            return takeValue(word, &rest)
        }
    }

    private mutating func takeValue(_ word: String, _ rest: inout ArraySlice<String>) -> Bool {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let isJoined = word.hasPrefix("--") && parts.count == 2
        let name = isJoined ? String(parts[0]) : word
        let flag = Self.valueFlags.first { $0.long == name || $0.short == name }
        guard flag != nil || name == "--spec" else { return false }
        let value: String
        if isJoined {
            value = String(parts[1])
        } else if flag?.valueIsOptional == true, !DeviceOption.isValue(rest.first ?? "") {
            value = DeviceOption.standardValue
        } else if let next = rest.popFirst(), flag?.takesAnything == true || !next.hasPrefix("-") {
            value = next
        } else {
            return false
        }
        if let flag {
            guard let json = flag.read(value) else { return false }
            guard flag.repeats else { return set(flag.field, flag.long, json) }
            append(flag.field, flag.long, json)
            return true
        }
        guard spec == nil else { return false }
        spec = value
        return true
    }

    private mutating func set(_ field: String, _ flag: String, _ value: JSONValue) -> Bool {
        guard !overrides.contains(where: { $0.field == field }) else { return false }
        overrides.append(Override(field: field, flag: flag, value: value))
        return true
    }

    /// Adds to the array of a flag that may be given many times.
    private mutating func append(_ field: String, _ flag: String, _ value: JSONValue) {
        guard let index = overrides.firstIndex(where: { $0.field == field }) else {
            overrides.append(Override(field: field, flag: flag, value: .array([value])))
            return
        }
        guard case .array(let values) = overrides[index].value else { return }
        overrides[index].value = .array(values + [value])
    }
}

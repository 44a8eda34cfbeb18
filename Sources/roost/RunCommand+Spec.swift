internal import JSONText
internal import Specification

extension RunCommand {
    /// A field that a flag sets, the flag, and the value.
    private struct Override {
        let field: String
        let flag: String
        let value: JSONValue
    }

    /// The flags that were given.
    private var overrides: [Override] {
        let all: [(String, String, JSONValue?)] = [
            ("name", "--name", name.map(JSONValue.string)),
            ("kernel", "KERNEL", kernel.map(JSONValue.string)),
            ("initrd", "--initrd", initrd.map(JSONValue.string)),
            ("commandLine", "--cmdline", cmdline.map(JSONValue.string)),
            ("bootProtocol", "--boot-protocol", bootProtocol.map { .string($0.rawValue) }),
            ("cpus", "--cpus", cpus.map { JSONValue($0) }),
            ("memory", "--memory", memory.map { .string($0.description) }),
            ("hugePages", "--huge-pages", hugePages.map(JSONValue.boolean)),
            ("console", "--console", console.map { .string($0.description) }),
            ("escapeKey", "--escape", escape.map { .string($0.description) }),
            ("logLevel", "--log-level", logLevel.map { .string($0.rawValue) }),
            ("graceSeconds", "--grace", grace.map { JSONValue($0) }),
            ("runDirectory", "--run-directory", runDirectory.map(JSONValue.string)),
        ]
        return all.compactMap { field, flag, value in
            value.map { Override(field: field, flag: flag, value: $0) }
        }
    }

    /// The specification that flags and `--spec` ask for, checked.
    func requestedSpec() throws(CommandFailure) -> MachineSpec {
        guard kernel != nil || spec != nil else {
            throw CommandFailure(.usage, "a KERNEL or --spec is needed (see 'roost run --help')")
        }
        let overrides = overrides
        var members = try specMembers()
        for override in overrides {
            members.set(override.field, override.value)
        }
        if !members.contains(where: { $0.key == "name" }) {
            members.set("name", .string(Self.makeName(kernel: JSONValue.object(members)["kernel"])))
        }
        do {
            return try MachineSpec(json: .object(members))
        } catch .invalid(let field, let value, let allowed, _) {
            if let override = overrides.first(where: { $0.field == field }) {
                let error = SpecError.invalid(field: override.flag, value: value, allowed: allowed)
                throw CommandFailure(.usage, error.reason)
            }
            let position = members.first { $0.key == field }?.position
            throw inSpec(.invalid(field: field, value: value, allowed: allowed, position: position))
        } catch {
            throw inSpec(error)
        }
    }

    /// The members of the object in `--spec`, or of an empty specification.
    private func specMembers() throws(CommandFailure) -> [JSONMember] {
        guard let spec else { return [JSONMember("version", JSONValue(MachineSpec.formatVersion))] }
        let text = try InputFile.read(spec, limit: JSONValue.standardSizeLimit)
        do {
            guard case .object(let members) = try JSONValue(text: text) else {
                throw inSpec(.notAnObject(kind: try JSONValue(text: text).kind))
            }
            return members
        } catch let error as JSONError {
            throw inSpec(.notJSON(error))
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.software, "\(error)")
        }
    }

    /// An error in the file, as compilers print it: `file:line:column: reason`.
    private func inSpec(_ error: SpecError) -> CommandFailure {
        let file = spec.map { $0 == "-" ? "standard input" : $0 } ?? "the specification"
        return CommandFailure(.dataError, "\(file):\(error.position == nil ? " " : "")\(error)")
    }

    /// A name for a machine that was given none: its kernel's and four random letters or digits.
    private static func makeName(kernel: JSONValue?) -> String {
        var base = "machine"
        if case .string(let path) = kernel, let last = path.split(separator: "/").last {
            let stem = last.hasSuffix(".elf") ? last.dropLast(4) : last
            let bytes = stem.utf8.map { MachineSpec.isNameByte($0) ? $0 : UInt8(ascii: "-") }
            let start = bytes.drop { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
            if !start.isEmpty { base = String(decoding: start.prefix(50), as: UTF8.self) }
        }
        let end = (0..<4).map { _ in String(Int.random(in: 0..<36), radix: 36) }.joined()
        return "\(base)-\(end)"
    }
}

extension [JSONMember] {
    /// Replaces the value of a key, or adds the key.
    fileprivate mutating func set(_ key: String, _ value: JSONValue) {
        if let index = firstIndex(where: { $0.key == key }) {
            self[index].value = value
        } else {
            append(JSONMember(key, value))
        }
    }
}

internal import Glibc
internal import HostSystem
internal import JSONText
internal import Specification

/// What `roost run` was asked for, by whichever parser read it.
struct RunRequest {
    /// A field that a flag sets, the flag as messages name it, and the value.
    struct Override {
        let field: String
        let flag: String
        var value: JSONValue
    }

    /// The flags and the argument that set fields.
    var overrides: [Override] = []
    /// The file of `--spec`.
    var spec: String?
    /// Whether the specification is printed instead of run.
    var printSpec = false
    /// Whether the machine runs in the background.
    var detach = false

    /// Becomes the worker, or starts one, or prints the specification.
    func perform() throws(CommandFailure) {
        var spec = try requestedSpec()
        // In the background nobody sits at stdio: the console is there to attach to.
        if detach, spec.console == .stdio { spec.console = .socket }
        guard !printSpec else {
            try StandardOutput.write(spec.jsonText(pretty: true))
            return
        }
        try spec.checkFiles()
        guard !detach else {
            // The worker has said why.
            if let status = try spec.startDetached() { exit(status) }
            try StandardOutput.write(spec.name)
            return
        }
        spec.isManaged = try PowerOn(spec).ask(process: HostProcess.identifier)
        try Worker.become(running: spec)
    }

    /// The specification that flags and `--spec` ask for, checked.
    private func requestedSpec() throws(CommandFailure) -> MachineSpec {
        guard spec != nil || overrides.contains(where: { $0.field == "kernel" }) else {
            throw CommandFailure(.usage, "a KERNEL or --spec is needed (see 'roost run --help')")
        }
        var members = try specMembers()
        for override in overrides {
            members.set(override.field, override.value)
        }
        if !members.contains(where: { $0.key == "name" }) {
            members.set("name", .string(Self.makeName(kernel: JSONValue.object(members)["kernel"])))
        }
        do {
            return try MachineSpec(json: .object(members))
        } catch {
            if let error = inFlags(error) { throw CommandFailure(.usage, error.reason) }
            throw inSpec(error)
        }
    }

    /// The members of the object in `--spec`, or of an empty specification.
    private func specMembers() throws(CommandFailure) -> [JSONMember] {
        guard let spec else { return [JSONMember("version", JSONValue(MachineSpec.formatVersion))] }
        let text = try InputFile.read(spec, limit: JSONValue.standardSizeLimit)
        do {
            let value = try JSONValue(text: text)
            guard case .object(let members) = value else { throw inSpec(.notAnObject(kind: value.kind)) }
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

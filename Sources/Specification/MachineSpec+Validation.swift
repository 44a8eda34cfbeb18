internal import JSONText

extension MachineSpec {
    /// Checks what the types do not promise already: ranges, lengths, characters.
    ///
    /// It looks at the values alone. Whether a file is there or the host has the memory shows later.
    public func validate() throws(SpecError) {
        guard Self.isName(name) else {
            throw .invalid(field: "name", value: .string(name), allowed: Self.nameForm)
        }
        guard Self.cpusRange.contains(cpus) else {
            throw .invalid(
                field: "cpus", value: JSONValue(cpus), allowed: Self.wholeNumber(in: Self.cpusRange))
        }
        guard Self.memoryRange.contains(memory),
            memory.bytes.isMultiple(of: Self.memoryGranularity.bytes)
        else {
            throw .invalid(field: "memory", value: .string("\(memory)"), allowed: Self.memoryForm)
        }
        guard Self.graceRange.contains(graceSeconds) else {
            throw .invalid(
                field: "graceSeconds", value: JSONValue(graceSeconds),
                allowed: Self.wholeNumber(in: Self.graceRange) + " (seconds)")
        }
        if commandLine.utf8.contains(0) {
            throw .invalid(
                field: "commandLine", value: .string(commandLine), allowed: "text without a zero byte")
        }
        try checkPaths()
        try checkDevices()
        try checkResources()
    }

    private func checkPaths() throws(SpecError) {
        var paths = [("kernel", kernel)]
        if let initrd { paths.append(("initrd", initrd)) }
        if let runDirectory { paths.append(("runDirectory", runDirectory)) }
        if case .file(let path) = console { paths.append(("console", path)) }
        for (field, path) in paths
        where path.isEmpty || path.utf8.count > Self.longestPath || path.utf8.contains(0) {
            throw .invalid(
                field: field, value: .string(path),
                allowed: "a path of 1 to \(Self.longestPath) bytes, none of them zero")
        }
    }

    /// Whether a text may be the name of a machine: see `nameForm`.
    public static func isName(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count), let first = text.utf8.first,
            // The manager's own files in the run directory.
            !text.hasPrefix("roostd.")
        else { return false }
        return first != UInt8(ascii: ".") && first != UInt8(ascii: "-")
            && text.utf8.allSatisfy(isNameByte)
    }

    /// Whether a byte may stand in a name, if not at its start.
    public static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default:
            false
        }
    }

    /// What memory may be, for messages.
    public static let memoryForm =
        "\(memoryRange.lowerBound) to \(memoryRange.upperBound) in steps of \(memoryGranularity)"

    static func wholeNumber(in range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
}

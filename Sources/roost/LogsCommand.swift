internal import ArgumentParser
internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import Specification

/// `roost logs`.
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Shows what a detached machine has written to its console.",
        usage: "roost logs [-n LINES] [--follow] [--messages] VM [OPTIONS]",
        discussion: """
            Kept is the last 1 to 2 MiB, also when the machine has ended, until the next one of its name.

            EXAMPLES
              roost logs web1
              roost logs -n 20 -f web1
              roost logs --messages web1
            """)

    @Option(name: .customShort("n"), help: .init("Only the last lines.", valueName: "LINES"))
    var lines: Int?

    @Flag(name: .shortAndLong, help: "Go on with what comes, until the machine ends.")
    var follow = false

    @Flag(help: "What Roost itself had to say, in place of the console.")
    var messages = false

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @OptionGroup var place: Place

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("-n is \(lines); allowed: 0 or more") }
    }

    func run() throws {
        let entry = try place.directory.find(machine)
        var log = FollowedLog(path: entry.file(messages ? RunFiles.messages : RunFiles.consoleLog))
        guard log.open() else {
            let what = messages ? "no messages: only detached machines have" : "no console log"
            let place = entry.specification.map { ": its console is \($0.console)" } ?? ""
            throw CommandFailure(.unavailable, "the machine \(machine) has \(what)\(messages ? "" : place)")
        }
        let old = messages ? [] : Self.content(entry.file(RunFiles.oldConsoleLog))
        do {
            var bytes = old + (try log.news())
            if let lines { bytes = Self.last(lines, of: bytes) }
            try Self.show(bytes)
            while follow {
                // Asked first: what a machine wrote last is there when its lock is gone.
                let isAlive = try entry.isAlive
                try Self.show(try log.news())
                guard isAlive else { return }
                var pause = PollSet()
                _ = try pause.wait(timeoutMilliseconds: 100)
            }
        } catch let error as SystemError {
            throw CommandFailure(.ioError, error)
        }
    }

    private static func show(_ bytes: [UInt8]) throws(SystemError) {
        try DescriptorIO.writeAll(STDOUT_FILENO, bytes, operation: "write to standard output")
    }

    /// A file that may not be there.
    private static func content(_ path: String) -> [UInt8] {
        var log = FollowedLog(path: path)
        guard log.open() else { return [] }
        return (try? log.news()) ?? []
    }

    /// The last lines, one without an end counted too.
    static func last(_ count: Int, of bytes: [UInt8]) -> [UInt8] {
        guard count > 0 else { return [] }
        var left = count
        for index in bytes.indices.dropLast().reversed() where bytes[index] == UInt8(ascii: "\n") {
            left -= 1
            if left == 0 { return Array(bytes[(index + 1)...]) }
        }
        return bytes
    }
}

/// A log that is read while it grows and is begun anew.
struct FollowedLog: ~Copyable {
    let path: String
    private var file: OwnedDescriptor?

    init(path: String) {
        self.path = path
    }

    /// Whether it is there.
    mutating func open() -> Bool {
        file = try? OwnedDescriptor.open(path, O_RDONLY)
        return isOpen
    }

    private var isOpen: Bool {
        switch file {
        case .some: true
        case .none: false
        }
    }

    /// What has come since the last time.
    mutating func news() throws(SystemError) -> [UInt8] {
        guard let current = file.take() else { return [] }
        // Looked at first: nothing is added to a file that has another name.
        let isCurrent = try FileTree.isSameFile(current, path)
        let bytes = try DescriptorIO.readAll(current.number, limit: 16 << 20, operation: "read \(path)")
        if isCurrent {
            file = consume current
            return bytes
        }
        guard open() else { return bytes }
        return bytes + (try news())
    }
}

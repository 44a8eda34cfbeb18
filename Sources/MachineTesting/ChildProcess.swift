public import Glibc

/// A process under test: it is driven by what it prints, and it and all it started are killed with the
/// value. Every wait has a limit, which only a defect reaches, and says at once how the process ended if it did.
public final class ChildProcess {
    /// Where its standard input comes from.
    public enum Input {
        /// A pipe that the test writes to.
        case pipe
        /// /dev/null.
        case null
        /// Nowhere: the descriptor is closed.
        case closed
        /// A terminal, which becomes the controlling one of a session of its own.
        case terminal(TestTerminal)
    }

    /// Where its standard output goes.
    public enum Output {
        /// A pipe that the test reads whenever it waits.
        case pipe
        /// A pipe that the test does not read before it asks for it.
        case unreadPipe
        /// A file, opened for writing.
        case file(String)
        /// Nowhere: the descriptor is closed.
        case closed
        /// The terminal of the input.
        case terminal
    }

    /// How it ended.
    public enum Status: Equatable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case killed(signal: Int32)

        /// In words.
        public var description: String {
            switch self {
            case .exited(let status): "ended with status \(status)"
            case .killed(let signal): "was killed by signal \(signal)"
            }
        }
    }

    /// The process's identifier.
    public let process: pid_t
    /// What it has written so far.
    public private(set) var output: [UInt8] = []
    /// What it has written to standard error so far.
    public private(set) var errors: [UInt8] = []

    /// Makes the error of a wait that has reached its limit, while the process still lives: with more that is known
    /// of it, or of another kind if that tells what was at fault.
    public var diagnosis: ((TestFailure) -> any Error)?

    private let what: String
    private let input: Pipe.End?
    private var outputEnd: Pipe.End?
    private let errorEnd: Pipe.End
    /// Reports a hang-up when the process and all its descendants are gone.
    private let life: Pipe.End
    private let terminal: TestTerminal?
    private var isOutputRead: Bool
    private var status: Status?

    /// How long anything may take: a hundred times what it does on a busy machine, and more in the lab,
    /// where all is 20 to 50 times slower.
    public static let limitMilliseconds: Int32 = TestHost.isLab ? 300_000 : 60_000

    /// Starts it in a session of its own; its environment is small and the same everywhere.
    public init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        input: Input = .null,
        output: Output = .pipe
    ) throws {
        Self.ignoreBrokenPipes
        what = "\(executable) \(arguments.joined(separator: " "))"
        let (inputPipe, outputPipe, errorPipe, lifePipe) = try withNoProcessBeingStarted {
            (try Pipe(), try Pipe(), try Pipe(), try Pipe())
        }
        var actions = SpawnActions()
        switch input {
        case .pipe: actions.duplicate(inputPipe.reader.number, to: 0)
        case .null: actions.open("/dev/null", O_RDONLY, as: 0)
        case .closed: actions.close(0)
        case .terminal(let terminal): actions.open(terminal.path, O_RDWR, as: 0)
        }
        switch output {
        case .pipe, .unreadPipe: actions.duplicate(outputPipe.writer.number, to: 1)
        case .file(let path): actions.open(path, O_WRONLY, as: 1)
        case .closed: actions.close(1)
        case .terminal: actions.duplicate(0, to: 1)
        }
        actions.duplicate(errorPipe.writer.number, to: 2)
        actions.duplicate(lifePipe.writer.number, to: Self.lifeDescriptor)
        if case .terminal(let used) = input { terminal = used } else { terminal = nil }
        // The child's ends must not close before it has them.
        process = try withExtendedLifetime((inputPipe, outputPipe, errorPipe, lifePipe)) {
            try withNoProcessBeingStarted {
                try actions.spawn(executable, arguments, environment: environment)
            }
        }
        if case .pipe = input { self.input = inputPipe.writer } else { self.input = nil }
        switch output {
        case .pipe, .unreadPipe: outputEnd = outputPipe.reader
        default: outputEnd = nil
        }
        if case .unreadPipe = output { isOutputRead = false } else { isOutputRead = true }
        errorEnd = errorPipe.reader
        life = lifePipe.reader
        for end in [inputPipe.writer, outputPipe.reader, errorPipe.reader, lifePipe.reader] {
            Pipe.makeNonBlocking(end.number)
        }
    }

    private static let lifeDescriptor: Int32 = 100

    /// What is written to a process that is gone is an error of that write, and not the end of the tests.
    private static let ignoreBrokenPipes: Void = {
        // Processes that are started have the default again.
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
    }()

    deinit {
        if status == nil {
            kill(-process, SIGKILL)
            _ = waitpid(process, nil, 0)
        }
    }

    /// Sends a signal to the process itself, unless it is known to have ended: its number may be another's by now.
    public func signal(_ number: Int32) {
        if status == nil { kill(process, number) }
    }

    /// Waits until it has printed a text to standard output or its terminal.
    public func wait(forOutput text: String) throws {
        try wait(for: "output \"\(text)\"") { output.contains(text) }
    }

    /// Waits until it has printed a text to standard error.
    public func wait(forErrors text: String) throws {
        try wait(for: "errors \"\(text)\"") { errors.contains(text) }
    }

    /// Writes to its standard input or types at its terminal, however long it takes.
    public func type(_ bytes: [UInt8]) throws {
        guard let descriptor = terminal?.master ?? input?.number else {
            throw TestFailure("\(what) has no input")
        }
        var rest = bytes[...]
        try wait(for: "room for input", alsoWritable: descriptor) {
            let count = unsafe rest.withUnsafeBytes { buffer in
                // SAFETY: pointer and count describe one buffer.
                unsafe write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count > 0 { rest = rest.dropFirst(count) }
            return rest.isEmpty
        }
    }

    /// Writes text to its standard input or types it at its terminal.
    public func type(_ text: String) throws {
        try type(Array(text.utf8))
    }

    /// Closes the pipe to its standard input.
    public func endInput() {
        input?.close()
    }

    /// Closes the pipe its standard output goes to, without reading more.
    public func closeOutput() {
        outputEnd?.close()
        outputEnd = nil
    }

    /// Bytes waiting in an output pipe that is not read.
    public var waitingOutput: Int {
        var count: Int32 = 0
        // SAFETY: FIONREAD writes an int.
        _ = unsafe ioctl(outputEnd?.number ?? -1, UInt(FIONREAD), &count)
        return Int(count)
    }

    /// Reads from an output pipe that is else not read, at most so many bytes; empty at its end.
    public func readOutput(_ limit: Int) throws -> [UInt8] {
        guard let outputEnd else { return [] }
        var bytes: [UInt8]?
        try wait(for: "output to read", alsoReadable: outputEnd.number) {
            bytes = outputEnd.read(limit)
            return bytes != nil
        }
        return bytes ?? []
    }

    /// Waits until it and all its descendants are gone and all output is read.
    @discardableResult
    public func finish() throws -> Status {
        if let status { return status }
        try wait(for: "the end") { isAlone }
        readAvailable()
        guard let status = try reap(0) else { throw TestFailure("waitpid answered without a status") }
        return status
    }

    /// Whether nobody has the life pipe any more: it and all its descendants are gone, or have closed what they
    /// were given.
    private var isAlone: Bool {
        // The pipe is never written to: reading it answers the end, or nothing.
        _ = life.read(1)
        return life.isAtEnd
    }

    /// Takes the status of the process once it has ended: nil, with WNOHANG, if it has not.
    private func reap(_ options: Int32) throws -> Status? {
        if let status { return status }
        var raw: Int32 = 0
        // SAFETY: the integer is ours.
        let answer = unsafe waitpid(process, &raw, options)
        guard answer == process || answer == 0 else { throw TestFailure("waitpid: errno \(errno)") }
        if answer == process {
            status = raw & 0x7F == 0 ? .exited(raw >> 8 & 0xFF) : .killed(signal: raw & 0x7F)
        }
        return status
    }

    /// Waits for a condition, which is looked at whenever something has happened, at least every 20 ms. A process
    /// that is gone, with all its descendants, ends the wait at once.
    public func wait(
        for purpose: String, alsoReadable: Int32? = nil, alsoWritable: Int32? = nil,
        until isDone: () throws -> Bool
    ) throws {
        let start = milliseconds()
        while true {
            // Asked first: what it wrote before it went is then read before the condition is looked at.
            let isAlone = isAlone
            readAvailable()
            if try isDone() { return }
            if isAlone, let status = try reap(WNOHANG) {
                throw failure("\(status) before \(purpose)")
            }
            guard milliseconds() - start < Int64(Self.limitMilliseconds) else {
                let failure = failure("no \(purpose) in \(Self.limitMilliseconds) ms")
                let error = diagnosis?(failure) ?? failure
                kill(-process, SIGKILL)
                throw error
            }
            var entries: [pollfd] = []
            for end in isOutputRead ? [outputEnd, errorEnd] : [errorEnd] {
                if let end, !end.isAtEnd {
                    entries.append(pollfd(fd: end.number, events: Int16(POLLIN), revents: 0))
                }
            }
            if let terminal { entries.append(pollfd(fd: terminal.master, events: Int16(POLLIN), revents: 0)) }
            if let alsoReadable {
                entries.append(pollfd(fd: alsoReadable, events: Int16(POLLIN), revents: 0))
            }
            if let alsoWritable {
                entries.append(pollfd(fd: alsoWritable, events: Int16(POLLOUT), revents: 0))
            }
            if !life.isAtEnd { entries.append(pollfd(fd: life.number, events: Int16(POLLIN), revents: 0)) }
            // SAFETY: the array is one block of `count` structures.
            _ = unsafe poll(&entries, nfds_t(entries.count), 20)
        }
    }

    private func failure(_ reason: String) -> TestFailure {
        TestFailure(
            "\(what): \(reason); output so far: \(String(decoding: output.suffix(2000), as: UTF8.self)); "
                + "errors so far: \(String(decoding: errors.suffix(2000), as: UTF8.self))")
    }

    private func readAvailable() {
        while let bytes = errorEnd.read(65536), !bytes.isEmpty { errors += bytes }
        if isOutputRead, let outputEnd {
            while let bytes = outputEnd.read(65536), !bytes.isEmpty { output += bytes }
        }
        if let terminal {
            while let bytes = readOnce(terminal.master, 65536), !bytes.isEmpty { output += bytes }
        }
    }
}

/// Milliseconds since an arbitrary start.
func milliseconds() -> Int64 {
    var time = timespec()
    // SAFETY: the structure is ours.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// read(2): nil if there is nothing now, empty at the end.
func readOnce(_ descriptor: Int32, _ limit: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        // SAFETY: pointer and count describe one buffer.
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
    }
    guard count >= 0 else { return errno == EAGAIN || errno == EINTR ? nil : [] }
    bytes.removeSubrange(count...)
    return bytes
}

extension [UInt8] {
    /// Whether the bytes of a text are among these.
    public func contains(_ text: String) -> Bool {
        String(decoding: self, as: UTF8.self).contains(text)
    }

    /// The bytes as text.
    public var text: String { String(decoding: self, as: UTF8.self) }
}

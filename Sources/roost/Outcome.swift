internal import ArgumentParser
internal import Specification

/// How the command line ends, when it does not become a worker: text on one of the two outputs and
/// an exit status.
struct Outcome {
    let status: Int32
    private let text: String
    private let isError: Bool

    private init(status: Int32, text: String, isError: Bool) {
        self.status = status
        self.text = text
        self.isError = isError
    }

    private init(_ code: Specification.ExitCode, _ message: String) {
        self.init(status: code.status, text: message, isError: true)
    }

    /// What an error thrown by the parser or a command means. Asking for help is such an error too.
    static func of(_ error: any Error, arguments: [String]) -> Outcome {
        if let failure = error as? CommandFailure {
            return Outcome(failure.code, failure.message)
        }
        if RoostCommand.exitCode(for: error).isSuccess {
            return Outcome(status: 0, text: RoostCommand.fullMessage(for: error), isError: false)
        }
        // The parser's own message, without the usage that would follow it.
        let known = RoostCommand.commandNames
        let command = arguments.first { !$0.hasPrefix("-") }.flatMap { known.contains($0) ? " \($0)" : nil }
        let message = RoostCommand.message(for: error)
        let start = message.prefix(1).lowercased()
        return Outcome(.usage, "\(start)\(message.dropFirst()) (see 'roost\(command ?? "") --help')")
    }

    /// Writes the text and answers the exit status.
    func report() -> Int32 {
        guard isError else {
            do {
                try StandardOutput.write(text)
                return status
            } catch {
                return Outcome(error.code, error.message).report()
            }
        }
        let line = text.split(separator: "\n").joined(separator: " ")
        // There is nobody to tell when standard error is closed.
        try? StandardOutput.write("roost: error: \(Self.printable(line))", to: 2)
        return status
    }

    /// A message may quote a file name or an argument, and those may hold terminal controls.
    static func printable(_ line: String) -> String {
        var result = ""
        for scalar in line.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

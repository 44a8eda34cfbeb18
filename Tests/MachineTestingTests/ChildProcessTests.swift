import MachineTesting
import Testing

@Suite("A process under test")
struct ChildProcessTests {
    @Test(
        "ends a wait for its output when it is gone, and the error tells how it ended and what it said",
        arguments: [
            ("exit 3", "ended with status 3"), ("kill -KILL $$", "was killed by signal 9"),
        ])
    func gone(end: String, words: String) throws {
        let process = try ChildProcess("/bin/sh", ["-c", "echo last; echo word >&2; \(end)"])
        let failure = try #require(throws: TestFailure.self) { try process.wait(forOutput: "more") }
        #expect(failure.description.contains("\(words) before output \"more\""))
        #expect(failure.description.contains("last"))
        #expect(failure.description.contains("word"))
    }

    @Test("ends a wait for room at its input, too")
    func input() throws {
        let process = try ChildProcess("/bin/sh", ["-c", "exit 4"], input: .pipe)
        let failure = try #require(throws: TestFailure.self) {
            try process.type([UInt8](repeating: 0, count: 1 << 20))
        }
        #expect(failure.description.contains("ended with status 4 before room for input"))
    }

    @Test("is not gone while one that it started may still write")
    func descendants() throws {
        // The shell ends at once; what it leaves behind waits for a line, which comes after that.
        let process = try ChildProcess(
            "/bin/sh", ["-c", "exec 3<&0; (read line <&3; echo \"$line\") & echo gone; exit 0"], input: .pipe)
        try process.wait(forOutput: "gone")
        try process.type("answer\n")
        try process.wait(forOutput: "answer")
        #expect(try process.finish() == .exited(0))
    }

    @Test("has all it wrote before its end looked at")
    func lastWords() throws {
        let process = try ChildProcess("/bin/sh", ["-c", "echo word"])
        try process.wait(forOutput: "word")
        #expect(try process.finish() == .exited(0))
        // Known by now to have ended, and still what it wrote is there.
        try process.wait(forOutput: "word")
    }
}

import Specification
import Testing

@Suite("Exit codes and words")
struct ExitCodeTests {
    @Test(
        "Every end has its documented number",
        arguments: [
            (.powerOff, 0), (.guest(0x31), 0x31), (.guest(255), 255), (.reset, 32), (.crash, 33),
            (.forcedStop(signal: 2), 130), (.forcedStop(signal: 15), 143), (.usage, 64), (.dataError, 65),
            (.noInput, 66), (.unavailable, 69), (.software, 70), (.osError, 71), (.cantCreate, 73),
            (.ioError, 74), (.tempFail, 75), (.noPermission, 77),
        ] as [(ExitCode, Int32)])
    func status(code: ExitCode, number: Int32) {
        #expect(code.status == number)
    }

    @Test(
        "The word that was meant is found, and none where none is near",
        arguments: [
            ("rnu", "run"), ("Run", "run"), ("hosts", "host"), ("vesrion", "version"), ("ver", "version"),
            ("x", nil), ("", nil), ("status", nil), (String(repeating: "run", count: 100_000), nil),
        ] as [(String, String?)])
    func spelling(word: String, meant: String?) {
        #expect(Spelling.nearest(to: word, among: ["run", "host", "version"]) == meant)
    }

    @Test("Of several words that begin like it, the one that has most in common was meant")
    func beginnings() {
        #expect(Spelling.nearest(to: "cpuShare", among: ["cpus", "cpuShares"]) == "cpuShares")
        #expect(Spelling.nearest(to: "cpu", among: ["cpus", "cpuShares"]) == "cpus")
    }
}

import Foundation
import Specification
import Testing

/// The commands for the resource manager where there is none.
@Suite("Commands for resources, without a manager")
struct ResourceCommandTests {
    @Test(
        "Values that cannot be are refused before anybody is asked",
        arguments: [
            (
                ["set", "a", "--shares", "0"],
                "--cpu-shares: '0' is no number of shares: low, normal, high, or 1 to 1000000"
            ),
            (
                ["set", "a", "--shares=-5"],
                "--cpu-shares: '-5' is no number of shares: low, normal, high, or 1 to 1000000"
            ),
            (
                ["set", "a", "--cpu-shares", "1000001"],
                "--cpu-shares: '1000001' is no number of shares: low, normal, high, or 1 to 1000000"
            ),
            (
                ["set", "a", "--reservation", "99999999999999999999"],
                "--cpu-reservation: '99999999999999999999' is more than a million CPUs"
            ),
            (
                ["set", "a", "--limit", "1.0000001"],
                "--cpu-limit: '1.0000001' is finer than a millionth of a CPU"
            ),
            (["set", "a"], "nothing is to change (see 'roost set --help')"),
            (
                ["pool", "create", "a", "--reservation", "2", "--limit", "1"],
                "the reservation of 2 CPUs is above the limit of 1 CPU"
            ),
            (
                ["pool", "create", "a", "--limit", "0"],
                "a limit of 0 CPUs would never let the VM run; leave the limit out, or give more"
            ),
            (
                ["pool", "create", "a//b"],
                "PATH: 'a//b' is no path of a pool: names with / between them, each 1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -"
            ),
            (
                ["why", "a b"],
                "'a b' is no name of a VM: 1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -"
            ),
            (
                ["set", "/", "--shares", "1"],
                "NAME: the root pool is the host itself, and cannot be made, set or removed"
            ),
            (
                ["pool", "create", "/"],
                "PATH: the root pool is the host itself, and cannot be made, set or removed"
            ),
            (
                ["pool", "rm", "/"],
                "PATH: the root pool is the host itself, and cannot be made, set or removed"
            ),
            (["whatif"], "one is needed: a FILE or --journal (see 'roost whatif --help')"),
            (
                ["stop", "--grace", "3601", "a"],
                "--grace is 3601; allowed: a whole number from 0 to 3600 (see 'roost stop --help')"
            ),
        ])
    func values(arguments: [String], message: String) throws {
        let run = try RoostProcess(arguments, environment: ["ROOST_RUN_DIR": "/nonexistent"])
        #expect(run.errors == "roost: error: \(message)\n")
        #expect(run.output == "" && run.status == ExitCode.usage.status)
    }

    @Test(
        "Without a manager there is nothing to ask, and nobody starts one",
        arguments: [
            ["set", "a", "--shares", "1"], ["pool", "ls"], ["pool", "rm", "a"], ["journal"], ["why", "a"],
        ])
    func noManager(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            let run = try RoostProcess(
                arguments, environment: ["ROOST_RUN_DIR": directory.path, "ROOST_UNMANAGED": ""])
            #expect(
                run.errors
                    == "roost: error: no resource manager runs for \(directory.path): 'roost run' starts one with "
                    + "the first machine\n")
            #expect(run.output == "" && run.status == ExitCode.unavailable.status)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
        }
    }
}

import Foundation
import JSONText
import MachineTesting
import Specification
import Testing

/// What `roost up` and `roost whatif` say of files that are wrong, and what `whatif` makes of right ones.
@Suite("Descriptions in YAML")
struct DescriptionFileTests {
    /// Runs a command with a file of its own; messages name it `f.yaml`.
    private func run(_ command: [String], _ text: String) throws -> RoostProcess {
        var result: RoostProcess?
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "f.yaml")
            try Data(text.utf8).write(to: file)
            result = try RoostProcess(
                command + [file.path], environment: ["ROOST_RUN_DIR": directory.path + "/run"])
            #expect(!FileManager.default.fileExists(atPath: directory.path + "/run"), "nothing was started")
        }
        return try #require(result)
    }

    private func message(_ run: RoostProcess) -> String {
        guard run.errors.hasPrefix("roost: error: "), let start = run.errors.range(of: "f.yaml") else {
            return run.errors
        }
        return String(run.errors[start.upperBound...].dropLast())
    }

    @Test(
        "A mistake is told with its line, its column and its key",
        arguments: [
            ("", ": expected keys (version, pools, machines), found nothing"),
            ("[]", ": expected keys (version, pools, machines), found an array"),
            ("pools: {}", ": version is missing: 'version: 1'"),
            ("version: 2", ":1:1: version is 2; this Roost reads version 1"),
            ("version: 1\nmachine: {}", ":2:1: unknown key \"machine\"; did you mean \"machines\"?"),
            ("version: 1\nversion: 1", ":1:1: the key \"version\" stands there twice"),
            (
                "version: 1\n---\nversion: 1",
                ":2:1: expected a single document in the stream but found another document"
            ),
            ("version: 1\n\tx: 1", ":2:1: the line is indented with a tab; YAML wants spaces"),
            (
                "version: 1\nmachines:\n a:\n\tkernel: k",
                ":4:1: the line is indented with a tab; YAML wants spaces"
            ),
            ("version: 1\npools: &p {a: *p}", ":2:15: found undefined alias"),
            (
                "version: 1\nmachines: {~: {kernel: k}}",
                ":2:12: machines: \"~\" is no machine's name; allowed: 1 to 63 of a-z A-Z 0-9 . _ -, the first one not "
                    + ". or -, and not beginning with roostd."
            ),
            ("version: *no", ":1:10: found undefined alias"),
            ("version: !!int 1", ":1:10: the tag \"tag:yaml.org,2002:int\" is not known here"),
            ("? [a]\n: b", ":1:3: a key is a text, nothing larger"),
            ("version: 1\nmachines: 3", ":2:1: machines is a whole number; allowed: names and what they are"),
            ("version: 1\nmachines:\n  a: 3", ":3:3: machines.a is a whole number; allowed: keys and values"),
            (
                "version: 1\nmachines:\n  a:\n    kernl: k",
                ":4:5: unknown field \"machines.a.kernl\"; did you mean \"kernel\"?"
            ),
            ("version: 1\nmachines:\n  a: {cpus: 1}", ":3:3: machines.a.kernel is missing"),
            (
                "version: 1\nmachines:\n  a: {kernel: k, cpus: 0}",
                ":3:18: machines.a.cpus is 0; allowed: a whole number from 1 to 255"
            ),
            (
                "version: 1\nmachines:\n  a: {kernel: k, name: b}",
                ":3:18: machines.a.name: the machine's name is its key"
            ),
            (
                "version: 1\nmachines:\n  a: {kernel: k, disks: [{path: d, readonyl: true}]}",
                ":3:36: unknown field \"machines.a.disks[0].readonyl\"; did you mean \"readonly\"?"
            ),
            (
                "version: 1\nmachines:\n  a: {kernel: k, cpuShares: -1}",
                ":3:18: machines.a.cpuShares: '-1' is no number of shares: low, normal, high, or 1 to 1000000"
            ),
            (
                "version: 1\nmachines:\n  a: {kernel: k, cpuReservation: 2}",
                ":3:18: machines.a.cpuReservation: the reservation of 2 CPUs is more than 1 virtual CPU can use"
            ),
            (
                "version: 1\npools: {a: {shares: 0}}",
                ":2:13: pools.a: shares: '0' is no number of shares: low, normal, high, or 1 to 1000000"
            ),
            (
                "version: 1\npools: {a: {limit: 1, reservation: 2}}",
                ":2:9: pools.a: the reservation of 2 CPUs is above the limit of 1 CPU"
            ),
            (
                "version: 1\npools: {a: {expandable: 3}}",
                ":2:13: pools.a: expandable is 3; allowed: true or false"
            ),
            (
                "version: 1\npools: {a: {share: 3}}",
                ":2:13: pools.a: unknown key \"share\"; did you mean \"shares\"?"
            ),
            (
                "version: 1\npools: {/: {}}",
                ":2:9: pools./: the root pool is the host itself, and cannot be set"
            ),
        ])
    func mistakes(text: String, expected: String) throws {
        let run = try run(["up"], text)
        #expect(message(run) == expected)
        #expect(run.output == "" && run.status == ExitCode.dataError.status)
    }

    @Test("A file that is too deep, too large, or larger than it looks is refused at once")
    func hostile() throws {
        let deep = try run(["whatif"], String(repeating: "[", count: 5000))
        #expect(deep.errors.contains("Maximum nesting level reached") && deep.status == 65)
        let long = try run(["whatif"], String(repeating: "#", count: (1 << 20) + 1))
        #expect(message(long) == ": the text is longer than 1048576 bytes" && long.status == 65)
        let names = (0...4096).map { "m\($0): {}" }.joined(separator: ", ")
        let crowd = try run(["whatif"], "version: 1\nmachines: {\(names)}")
        #expect(message(crowd) == ":2:1: machines are 4097; allowed: at most 4096" && crowd.status == 65)
        var laugh = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            laugh += "a\(level): &a\(level) [\(items)]\n"
        }
        let many = try run(["whatif"], laugh)
        #expect(message(many).hasSuffix(": there are more than 100000 values") && many.status == 65)
    }

    @Test("A kernel that is not there is told before anything is started")
    func missingKernel() throws {
        let run = try run(["up"], "version: 1\nmachines:\n  a: {kernel: /no/kernel}")
        #expect(
            message(run) == ":3:3: machines.a: cannot read the kernel /no/kernel: No such file or directory")
        #expect(run.status == ExitCode.noInput.status)
    }

    @Test("A described host is divided by shares, and who does not fit is refused with the arithmetic")
    func whatIf() throws {
        let host = """
            version: 1
            capacity: 2
            pools:
              web/front: {limit: 150%}
              web: {shares: high}
            machines:
              a: &one {cpus: 2, shares: 2000, pool: web/front}
              b: {<<: *one, shares: 1000}
              c: {cpus: 4, demand: 25%, reservation: 500m}
              d: {cpus: 4, reservation: 1.75}
            """
        let run = try run(["whatif", "--why", "a"], host)
        #expect(run.errors == "" && run.status == ExitCode.unavailable.status)
        let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "NAME  POOL       CPUS  SHARES  RESERVED  LIMIT  DEMAND  ENTITLED  AT WORST")
        #expect(lines[1] == "a     web/front  2     2000    -         -      200%    100%      88.9%")
        #expect(lines[2] == "b     web/front  2     1000    -         -      200%    50%       44.4%")
        #expect(lines[3] == "c     /          4     normal  50%       -      25%     25%       66.7%")
        #expect(
            lines[4]
                == "refused: VM 'd' asks for a reservation of 1.75 CPUs: the host has 2 CPUs for VMs, 0.5 of "
                + "them taken by reservations, 1.5 left")
        #expect(run.output.contains("VM 'a' has 2000 of 3000 shares, here worth 1 CPU: it gets 1 CPU."))
        let json = try JSONValue(text: try self.run(["whatif", "--json"], host).output)
        guard case .array(let machines) = json["machines"], case .array(let refusals) = json["refusals"]
        else {
            Issue.record("a member is missing")
            return
        }
        #expect(json["version"] == 1 && json["capacity"] == 2)
        #expect(machines.map { $0["entitlement"] } == [1, 0.5, 0.25].map(number))
        #expect(refusals.count == 1 && refusals.first?["name"] == "d")
    }

    @Test("The smallest amounts are read as numbers, and finer ones refused")
    func smallest() throws {
        let smallest = try run(
            ["whatif", "--json"], "version: 1\ncapacity: 2\nmachines:\n  a: {demand: 0.000001}")
        #expect(smallest.status == 0, "\(smallest.errors)")
        #expect(smallest.output.contains("\"demand\": 1e-06"))
        let finer = try run(["whatif"], "version: 1\nmachines:\n  a: {demand: 0.0000015}")
        #expect(finer.status == ExitCode.dataError.status)
        #expect(message(finer).hasPrefix(":3:7: machines.a.demand: "))
    }

    private func number(_ value: Double) -> JSONValue? {
        value == value.rounded() ? JSONValue(Int(value)) : .number(value)
    }

    @Test("The examples of docs/resources.md come out as it says")
    func documented() throws {
        let page = try String(contentsOfFile: TestHost.root + "/docs/resources.md", encoding: .utf8)
        let blocks = page.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
        #expect(blocks.count == 2)
        let example = try run(["whatif"], try #require(blocks.first))
        #expect(example.status == 0 && page.contains("$ roost whatif host.yaml\n" + example.output + "```"))
        let why = try run(["whatif", "--why", "front1"], try #require(blocks.first))
        let sentences = why.output.dropFirst(example.output.count)
        let prose = page.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(prose.contains(sentences.split(whereSeparator: \.isWhitespace).joined(separator: " ")))
        #expect(try run(["whatif", "--capacity", "2"], try #require(blocks.last)).status == 0)
    }

    @Test("Who is in a pool that is refused is refused with it")
    func refusedPool() throws {
        let run = try run(
            ["whatif"],
            "version: 1\ncapacity: 2\npools: {a: {limit: 1}, a/b: {reservation: 1.5}}\nmachines: {m: {pool: a/b}}"
        )
        let refusals = run.output.split(separator: "\n").dropFirst()
        #expect(
            refusals == [
                "refused: pool 'a/b' asks for a reservation of 1.5 CPUs: pool 'a' is limited to 1 CPU, 0 of them taken "
                    + "by reservations, 1 left",
                "refused: VM 'm': there is no pool 'a/b'",
            ])
        #expect(run.errors == "" && run.status == ExitCode.unavailable.status)
    }

    @Test("The files of roost up can be asked about, and the flag gives the capacity")
    func whatIfOfCompose() throws {
        let run = try run(
            ["whatif", "--capacity", "1"],
            "version: 1\nmachines: {a: {kernel: k, memory: 64M, cpuShares: high}, b: {kernel: k}}")
        #expect(run.output.contains("a     /     1     high    -         -      100%    66.7%     66.7%\n"))
        #expect(run.status == 0)
    }

    @Test(
        "What a described host cannot be is told with its place",
        arguments: [
            (
                "capacity: many",
                ":2:1: capacity: 'many' is no amount of CPU: CPUs such as 1.5, thousandths such as 1500m, or a percentage of one CPU such as 150%"
            ),
            (
                "machines: {a: {cpus: 1e300}}",
                ":2:16: machines.a.cpus is 1e+300; allowed: a whole number from 1 to 8192"
            ),
            (
                "machines: {a: {shares: 9, cpuShares: 9}}",
                ":2:27: machines.a.cpuShares: shares is there already"
            ),
            ("machines: {a: {pool: x}}", ":2:12: machines.a: there is no pool 'x'"),
            ("pools: {a/b: {}}", ":2:9: pools.a/b: pool 'a/b' cannot be: there is no pool 'a'"),
        ])
    func whatIfMistakes(line: String, expected: String) throws {
        let run = try run(["whatif"], "version: 1\n" + line)
        #expect(message(run) == expected)
        #expect(run.output == "" && run.status == ExitCode.dataError.status)
    }

    private static let journal = """
        1 checkpoint sequence=0 capacity=1000000 spans=1000000000,10000000000,60000000000
        1 change add-vm=a,/,1,normal,0,-
        1 observation time=5
        1 decision sequence=1 time=5 capacity=1000000 met=yes vm=a,1000000,1000000,1000000

        """

    @Test("A journal is repeated; the first decision that comes out otherwise is told with its line")
    func journal() throws {
        let alike = try RoostProcess(["whatif", "--journal", "-"], input: Self.journal)
        #expect(alike.errors == "")
        #expect(alike.output == "1 decisions, all come out alike\n" && alike.status == 0)
        let json = try JSONValue(
            text: try RoostProcess(["whatif", "--journal", "-", "--json"], input: Self.journal).output)
        #expect(json["version"] == 1 && json["decisions"] == 1 && json["passedOver"] == 0)
        let changed = Self.journal.replacingOccurrences(
            of: "vm=a,1000000,1000000,", with: "vm=a,1000000,900000,")
        let other = try RoostProcess(["whatif", "--journal", "-"], input: changed)
        #expect(
            other.errors.hasPrefix(
                "roost: error: standard input:4: decision 1 comes out otherwise: for VM 'a'"))
        #expect(other.output == "" && other.status == ExitCode.dataError.status)
        let empty = try RoostProcess(["whatif", "--journal", "/dev/null"])
        #expect(empty.errors == "roost: error: /dev/null: the journal is empty\n" && empty.status == 65)
        let none = try RoostProcess(["whatif", "--journal", "-"], input: "2 hello\n")
        #expect(none.errors.hasPrefix("roost: error: standard input:1: ") && none.status == 65)
    }
}

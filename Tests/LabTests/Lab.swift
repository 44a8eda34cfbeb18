import Foundation
import MachineTesting

/// The host's side of the lab: what `scripts/lab --prepare` has made, and commands beside the machine.
enum Lab {
    /// A file for guests.
    static func guest(_ name: String) -> String {
        "\(TestHost.root)/.build/lab/guest/\(name)"
    }

    /// One of the programs of guests/linux, which run in the guest and on the host.
    static func tool(_ name: String) -> String {
        guest("tools/\(name)")
    }

    /// One of Roost's programs as people build it: without optimisation `roost inspect` computes ten times longer, in
    /// the lab half a minute, and `roostd` takes much of a processor that guests are to divide.
    static func optimized(_ name: String) -> String {
        TestHost.buildDirectory + "/../release/" + name
    }

    /// One of the programs in busybox.
    static func busybox(_ name: String) -> [String] {
        ["\(TestHost.root)/.build/lab/packages/busybox", name]
    }

    /// Starts a command, in a network namespace if one is given. If a wait for it reaches its limit, all machines that
    /// are watched are asked what they do.
    static func start(
        _ words: [String], environment: [String: String] = [:], input: ChildProcess.Input = .null,
        in namespace: NetworkNamespace? = nil
    ) throws -> ChildProcess {
        let words = (namespace?.entrance ?? []) + words
        let process = try ChildProcess(
            words[0], Array(words.dropFirst()), environment: environment, input: input)
        process.diagnosis = StandStill.judge
        return process
    }

    /// Runs a command that has to succeed, and answers what it printed.
    @discardableResult
    static func run(
        _ words: [String], environment: [String: String] = [:], in namespace: NetworkNamespace? = nil
    ) throws -> String {
        try succeeded(try start(words, environment: environment, in: namespace), words)
    }

    /// Waits for the end of a command that has to succeed, and answers what it printed.
    @discardableResult
    static func succeeded(_ process: ChildProcess, _ words: [String]) throws -> String {
        let status = try process.finish()
        guard status == .exited(0) else {
            throw TestFailure(
                "\(words.joined(separator: " ")): \(status): \(process.errors.text)\(process.output.text)")
        }
        return process.output.text
    }
}

/// A file that is a guest's disk.
struct DiskImage {
    let path: String

    /// A new one that is all hole.
    init(_ name: String, bytes: Int, in directory: TemporaryDirectory) throws {
        path = try directory.write([], to: name)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.truncate(atOffset: UInt64(bytes))
        try file.close()
    }

    /// A copy of a file, holes kept.
    init(_ name: String, copyOf source: String, in directory: TemporaryDirectory) throws {
        path = "\(directory.path)/\(name)"
        try Lab.run(["/bin/cp", "--sparse=always", source, path])
    }

    /// How many bytes of the host's storage it takes.
    var allocated: Int {
        get throws {
            let text = try Lab.run(["/usr/bin/stat", "--format=%b", path])
            guard let blocks = Int(text.trimmingCharacters(in: .newlines)) else {
                throw TestFailure("stat: \(text)")
            }
            return blocks * 512
        }
    }
}

/// A network of a test's own, which is gone with the value.
final class NetworkNamespace {
    private let directory: TemporaryDirectory
    private let file: String

    /// One with nothing but loopback.
    init() throws {
        directory = try TemporaryDirectory()
        file = try directory.write([], to: "namespace")
        try Lab.run(["/usr/bin/unshare", "--net=\(file)"] + Lab.busybox("ip") + ["link", "set", "lo", "up"])
    }

    deinit {
        do {
            try Lab.run(["/usr/bin/umount", file])
        } catch {
            print("the network namespace stays: \(error)")
        }
    }

    /// What a command line begins with to run there.
    var entrance: [String] { ["/usr/bin/nsenter", "--net=\(file)"] }

    /// Makes a tap that stays, with an address.
    func addTap(_ name: String, address: String) throws {
        try Lab.run(Lab.busybox("tunctl") + ["-t", name], in: self)
        try configure(name, address: address)
    }

    /// Gives an interface an address and sets it up.
    func configure(_ name: String, address: String) throws {
        try Lab.run(Lab.busybox("ip") + ["address", "add", address, "dev", name], in: self)
        try Lab.run(Lab.busybox("ip") + ["link", "set", name, "up"], in: self)
    }

    /// The names of its interfaces, sorted.
    var interfaces: [String] {
        get throws {
            // The first two lines of /proc/net/dev are a heading.
            try Lab.run(["/bin/cat", "/proc/net/dev"], in: self).split(separator: "\n").dropFirst(2)
                .compactMap { $0.split(separator: ":").first.map { $0.trimmingCharacters(in: .whitespaces) } }
                .sorted()
        }
    }
}

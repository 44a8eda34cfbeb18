import Foundation
import Glibc
import MachineTesting
import Testing

/// Disks of whole machines: real guests, real files.
@Suite("Disks", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct DiskTests {
    let host: RoostHost
    let image: String

    init() throws {
        host = try RoostHost()
        image = host.directory.path + "/disk.img"
    }

    private func makeImage(_ megabytes: UInt64 = 8) throws {
        guard FileManager.default.createFile(atPath: image, contents: nil) else {
            throw TestFailure("cannot make \(image)")
        }
        let file = try FileHandle(forWritingTo: URL(filePath: image))
        try file.truncate(atOffset: megabytes << 20)
    }

    @Test(
        "a guest reads what it last wrote to every sector",
        arguments: [
            "engine=auto", "engine=threads", "direct=on", "engine=threads,direct=on", "cache=writethrough",
        ])
    func verify(options: String) throws {
        try makeImage()
        let run = try host.run(
            "blockbench", "op=randwrite depth=16 ops=2000 verify=on part=1536",
            ["--disk", "\(image),\(options)"])
        #expect(run.output.contains("verify=ok"), "\(run.errors)")
        #expect(run.status == .exited(0))
    }

    @Test("what a guest has flushed is on the disk after SIGKILL amid its writes")
    func killed() throws {
        try makeImage(64)
        let machine = try host.boot("durable", "batch=3 stamp=77", ["--disk", image])
        try machine.wait(forOutput: "durable 90\n")
        kill(machine.process, SIGKILL)
        #expect(try machine.finish() == .killed(signal: SIGKILL))
        let lines = String(decoding: machine.output, as: UTF8.self).split(separator: "\n")
        let blocks = lines.compactMap { line -> Int? in
            let words = line.split(separator: " ")
            return words.count == 2 && words[0] == "durable" ? Int(words[1]) : nil
        }
        // The last line may be cut off.
        let durable = try #require(blocks.dropLast().last)
        let bytes = try Data(contentsOf: URL(filePath: image))
        for sector in 0..<durable * 8 {
            let words = bytes[sector * 512..<sector * 512 + 16]
            let wanted = [UInt64(sector), 77].flatMap { word in (0..<8).map { UInt8(word >> (8 * $0) & 0xFF) }
            }
            #expect([UInt8](words) == wanted, "sector \(sector) of \(durable * 8)")
        }
        // Nobody holds the lock any more.
        let next = try host.start(["run", try TestHost.guest("hello"), "--name", "next", "--disk", image])
        #expect(try next.finish() == .exited(0))
    }

    @Test("a second machine does not get a disk that the first writes to, and is told who has it")
    func locked() throws {
        try makeImage()
        let first = try host.boot("spin", "", ["--disk", image])
        try first.wait(forOutput: "\n")
        for options in ["", ",readonly=on"] {
            let second = try Finished(
                try host.start(
                    ["run", try TestHost.guest("hello"), "--name", "second", "--disk", image + options]))
            #expect(second.status == .exited(75))
            #expect(second.errorLines.count == 1, "\(second.errors)")
            #expect(second.errors.contains("\(image) is in use by roost-vmm, process \(first.process)"))
        }
        first.signal(SIGTERM)
        _ = try first.finish()
    }

    @Test("one machine does not get one image twice, but may read it twice")
    func twice() throws {
        try makeImage()
        let hello = try TestHost.guest("hello")
        let both = try host.run(["run", hello, "--name", "vm", "--disk", image, "--disk", image])
        #expect(both.status == .exited(75))
        #expect(both.errors.contains("\(image) is in use by this machine itself"))
        let readers = try host.run([
            "run", hello, "--name", "vm", "--disk", "\(image),readonly=on", "--disk", "\(image),readonly=on",
        ])
        #expect(readers.status == .exited(0), "\(readers.errors)")
    }

    @Test("an image that is no good ends with one line that names it, before the guest starts")
    func badImages() throws {
        let hello = try TestHost.guest("hello")
        func refusal(_ disk: String, _ status: Int32, _ parts: String...) throws {
            let run = try host.run(["run", hello, "--name", "vm", "--disk", disk])
            run.expectRefusal(status: status, naming: parts)
        }
        try refusal(image, 66, image, "No such file")
        try refusal(host.directory.path, 66, host.directory.path, "directory")
        try refusal("/dev/null", 66, "/dev/null")
        _ = try host.directory.write([], to: "disk.img")
        try refusal(image, 65, image, "is empty")
        _ = try host.directory.write([UInt8](repeating: 0, count: 1000), to: "disk.img")
        try refusal(image, 65, image, "1000 bytes")
    }

    @Test("a guest that writes past the host's limit on files' sizes gets errors, and the machine goes on")
    func fileSizeLimit() throws {
        try makeImage()
        let run = try Finished(
            try ChildProcess(
                "/bin/sh",
                [
                    "-c", "ulimit -f 2048; exec \"$@\"", "sh", TestHost.buildDirectory + "/roost", "run",
                    try TestHost.guest("blockbench"), "--memory", "64M", "--name", "vm", "--cmdline",
                    "op=seqwrite depth=4 ops=2000 bs=65536", "--disk", image,
                ], environment: host.environment))
        // The guest's program ends with 1 when the disk says that it failed.
        #expect(run.status == .exited(1), "\(run.errors)")
        #expect(run.output.contains("status 1"), "\(run.output)")
        #expect(run.errors.contains("File too large"), "\(run.errors)")
    }
}

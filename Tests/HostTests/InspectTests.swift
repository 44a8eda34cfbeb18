import MachineTesting
import Testing

/// What cannot be looked into: one line that says why, and the exit code for it. Stock Linux is looked into in the lab.
@Suite("roost inspect and roost dump", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct InspectTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    @Test("No such machine, no such view, and what a view lacks")
    func noSuchThing() throws {
        try host.expectRefusal(["inspect", "nobody", "ps"], status: 66, naming: "nobody")
        try host.expectRefusal(
            ["dump", "nobody", host.directory.path + "/core"], status: 66, naming: "nobody")
        try host.expectRefusal(["inspect", "--image", "/no/dump", "ps"], status: 66, naming: "/no/dump")
        let text = try host.directory.write(Array("no memory at all\n".utf8), to: "text")
        try host.expectRefusal(["inspect", "--image", text, "ps"], status: 65, naming: text)
        let zeros = try host.directory.write([UInt8](repeating: 0, count: 1 << 20), to: "zeros")
        try host.expectRefusal(["inspect", "--image", zeros, "ps"], status: 65, naming: zeros, "no Linux")
        try host.expectRefusal(["inspect", "ps"], status: 64, naming: "ps")
        try host.expectRefusal(["inspect", "--image", zeros, "process"], status: 64, naming: "process")
        try host.expectRefusal(["inspect", "--image", zeros, "files"], status: 64, naming: "files")
        try host.expectRefusal(["inspect", "--image", zeros, "files", "x"], status: 64, naming: "'x'")
    }

    @Test(
        "A guest that is no Linux has no kernel yet, and goes on; it is dumped all the same, but not over a file"
    )
    func noLinux() throws {
        let guest = try host.boot("first", "stay")
        try guest.wait(forOutput: "!")
        for view in ["os", "ps", "dmesg", "modules", "mem", "mounts", "regs", "bt"] {
            try host.expectRefusal(["inspect", "vm", view], status: 75, naming: "vm", "kernel")
        }
        try host.expectRefusal(["inspect", "vm", "ps", "--pause"], status: 75, naming: "vm", "kernel")

        let core = host.directory.path + "/core"
        let dump = try Finished(try host.start(["dump", "vm", core]))
        #expect(dump.status == .exited(0) && dump.errors == "" && dump.output.contains("stood still"))
        try host.expectRefusal(["dump", "vm", core], status: 73, naming: core)
        try host.expectRefusal(["inspect", "--image", core, "ps"], status: 65, naming: core, "no Linux")

        let state = try Finished(try host.start(["stats", "vm", "--json"]))
        #expect(state.status == .exited(0), "it runs on")
        guest.signal(15)
        #expect(try guest.finish() != .exited(0))
        #expect(host.leftovers == [])
    }
}

import GuestMemory
import HostSystem
import MachineTesting
import Specification
import Testing

@testable import Machine

/// A machine of a test: started, its console drained by the test's thread, stopped and joined at the end.
func withMachine<Result>(
    kernel: String, _ commandLine: String = "", cpus: Int = 1, isPaused: Bool = false,
    _ body: (Machine) throws -> Result
) throws -> Result {
    try SignalDispositions.install()
    var spec = MachineSpec(name: "vm", kernel: kernel)
    spec.commandLine = commandLine
    spec.cpus = cpus
    spec.memory = .mebibytes(32)
    let machine = try Machine(spec, isPaused: isPaused)
    try machine.start()
    defer {
        machine.finish(.powerOff)
        machine.join()
    }
    return try body(machine)
}

extension Machine {
    /// Drains what the guest has written, without waiting.
    func drain() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        // Cleared first: what comes after the last look must wake the next wait.
        outputReady.clear()
        while case let count = drainConsole(into: &piece), count > 0 { all += piece.prefix(count) }
        return all
    }

    /// Waits until the guest has written a text, and answers all it wrote meanwhile.
    @discardableResult
    func wait(forOutput text: String) throws -> [UInt8] {
        var all: [UInt8] = []
        var events = PollSet()
        events.watch(outputReady.descriptor, for: .readable)
        events.watch(ended.descriptor, for: .readable)
        while true {
            all += drain()
            if all.contains(text) { return all }
            if let end {
                all += drain()
                if all.contains(text) { return all }
                throw TestFailure("the machine ended with \(end), having written \(all.text)")
            }
            guard try events.wait(timeoutMilliseconds: ChildProcess.limitMilliseconds) else {
                throw TestFailure("no \"\(text)\"; written: \(all.text)")
            }
        }
    }

    /// Waits for the machine's end, draining its console.
    func waitForEnd() throws -> (end: MachineEnd?, output: [UInt8]) {
        var all: [UInt8] = []
        var events = PollSet()
        events.watch(outputReady.descriptor, for: .readable)
        events.watch(ended.descriptor, for: .readable)
        while end == nil {
            all += drain()
            guard try events.wait(timeoutMilliseconds: ChildProcess.limitMilliseconds) else {
                throw TestFailure("no end; written: \(all.text)")
            }
        }
        join()
        return (end, all + drain())
    }

    /// What the ring-3 part of a guest has in memory: guests/README.md, "Memory".
    func ring3Memory() throws -> [UInt8] {
        try memory.bytes(at: GuestAddress(0x400000), count: 2 << 20)
    }
}

@Suite("Machine", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct MachineTests {
    @Test("A guest's own code is the machine's end, and all it wrote can be drained after it")
    func runsToItsEnd() throws {
        try withMachine(kernel: try TestHost.guest("hello"), "code=7") { machine in
            let (end, output) = try machine.waitForEnd()
            #expect(end == .guestExit(7) && end?.exitCode == .guest(7))
            #expect(output.text.hasPrefix("hello from ring 3\n"))
            #expect(!machine.pause())
            machine.resume()
            machine.finish(.reset)
            #expect(machine.end == .guestExit(7), "the first end counts")
        }
    }

    @Test("A machine that begins paused does nothing before it is resumed")
    func beginsPaused() throws {
        try withMachine(kernel: try TestHost.guest("hello"), cpus: 2, isPaused: true) { machine in
            #expect(machine.pause(), "every virtual CPU is at the barrier")
            #expect(machine.drain() == [])
            machine.resume()
            let (end, output) = try machine.waitForEnd()
            #expect(end == .guestExit(0) && output.contains("ring 3"))
        }
    }

    @Test("Pause is a barrier: no virtual CPU changes memory behind it, and all go on after it")
    func barrier() throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1", cpus: 2) { machine in
            try machine.wait(forOutput: "spin cpu=1 ")
            for _ in 0..<5 {
                #expect(machine.pause())
                _ = machine.drain()
                let before = try machine.ring3Memory()
                for _ in 0..<20 {
                    let now = try machine.ring3Memory()
                    #expect(now == before)
                }
                #expect(machine.drain() == [])
                machine.resume()
                try machine.wait(forOutput: "spin cpu=1 ")
                #expect(machine.pause())
                let after = try machine.ring3Memory()
                #expect(after != before)
                machine.resume()
            }
        }
    }

    @Test(
        "200 pauses with virtual CPUs that spin, halt or were never started",
        arguments: [
            ("spin", "interval=1 cpus=2", "spin cpu=1"), ("spin", "interval=1", "spin cpu=3"),
            ("fault", "kind=loop", "looping"), ("fault", "kind=halt", ""),
            ("timer", "hz=1000 ticks=1000000", "counts"),
        ])
    func manyPauses(guest: String, commandLine: String, start: String) throws {
        try withMachine(kernel: try TestHost.guest(guest), commandLine, cpus: 4) { machine in
            try machine.wait(forOutput: start)
            for _ in 0..<200 {
                #expect(machine.pause())
                machine.resume()
            }
            #expect(machine.end == nil)
        }
    }

    @Test("Pausing twice is pausing once, and resuming what runs is nothing")
    func idempotent() throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1") { machine in
            machine.resume()
            #expect(machine.pause() && machine.pause())
            machine.resume()
            _ = machine.drain()
            try machine.wait(forOutput: "spin cpu=0 ")
        }
    }

    @Test("Pauses take no byte from a guest that writes one by one")
    func pausesDuringOutput() throws {
        try withMachine(kernel: try TestHost.guest("flood"), "bytes=6000 code=3", cpus: 2) { machine in
            var output = try machine.wait(forOutput: "flood")
            while machine.pause() {
                machine.resume()
                output += machine.drain()
            }
            let (end, rest) = try machine.waitForEnd()
            #expect(end == .guestExit(3))
            #expect((output + rest).count == 6000)
        }
    }

    /// Each byte is an exit, and completing one at the barrier brings the next, which must be answered.
    @Test("Pauses take no access from a string instruction")
    func pausesDuringStringInstruction() throws {
        let count = 4000
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            SmallKernel.readingNothing(times: count, thenExitingWith: 5).bytes, to: "kernel")
        try withMachine(kernel: path) { machine in
            var pauses = 0
            while machine.pause() {
                machine.resume()
                pauses += 1
            }
            let (end, _) = try machine.waitForEnd()
            #expect(end == .guestExit(5) && pauses > 0)
            #expect(machine.unclaimedAccesses == UInt64(count))
            let read = try machine.memory.bytes(at: SmallKernel.destination, count: count)
            #expect(read.allSatisfy { $0 == 0xFF })
        }
    }

    @Test("Any thread may end a machine, running or paused", arguments: [false, true])
    func finishFromAnotherThread(isPaused: Bool) throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1", cpus: 2) { machine in
            try machine.wait(forOutput: "spin cpu=1 ")
            if isPaused { #expect(machine.pause()) }
            let other = try HostThread(name: "finisher") { machine.finish(.reset) }
            let (end, _) = try machine.waitForEnd()
            other.join()
            #expect(end == .reset && !machine.pause())
        }
    }

    @Test("Threads that pause, resume and end a machine at once all come back", arguments: 0..<4)
    func storm(seed: Int) throws {
        try withMachine(kernel: try TestHost.guest("spin"), "interval=1", cpus: 4) { machine in
            try machine.wait(forOutput: "spin cpu=3 ")
            let storm = try (0..<3).map { index in
                try HostThread(name: "storm\(index)") {
                    for _ in 0..<100 {
                        if index != 1 { machine.pause() }
                        if index != 2 { machine.resume() }
                    }
                }
            }
            if seed % 2 == 0 {
                for thread in storm { thread.join() }
                machine.resume()
                _ = machine.drain()
                try machine.wait(forOutput: "spin cpu=3 ")
                machine.finish(.reset)
            } else {
                machine.finish(.reset)
                for thread in storm { thread.join() }
            }
            machine.join()
            #expect(machine.end == .reset)
        }
    }

    @Test("Input typed while paused arrives after it")
    func inputWhilePaused() throws {
        try withMachine(kernel: try TestHost.guest("timer"), "ticks=1 echo=5") { machine in
            try machine.wait(forOutput: "timer: type 5 bytes")
            #expect(machine.pause())
            let typed = machine.typeToConsole(Array("hello".utf8)[...])
            #expect(typed == 5)
            machine.resume()
            try machine.wait(forOutput: "got \"hello\"")
        }
    }

    @Test("The power button is refused by a guest that does not listen")
    func powerButton() throws {
        try withMachine(kernel: try TestHost.guest("fault"), "kind=loop") { machine in
            try machine.wait(forOutput: "looping")
            #expect(!machine.pressPowerButton() && machine.end == nil)
        }
    }

    @Test("Accesses to nothing are counted")
    func unclaimed() throws {
        try withMachine(kernel: try TestHost.guest("ports"), "kind=mmio dir=read count=50") { machine in
            let (end, _) = try machine.waitForEnd()
            #expect(end == .guestExit(0))
            #expect(machine.unclaimedAccesses >= 50)
        }
    }

    @Test("Machines come and go without leaving threads or descriptors")
    func leaksNothing() throws {
        let kernel = try TestHost.guest("first")
        func runOne() throws {
            try withMachine(kernel: kernel, cpus: 3) { machine in _ = try machine.waitForEnd() }
        }
        try runOne()
        // Other tests run beside this one, so count what is a machine's own.
        for _ in 0..<20 { try runOne() }
        #expect(virtualCPUDescriptors() < 40)
    }
}

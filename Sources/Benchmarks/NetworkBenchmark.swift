internal import Glibc
internal import HostSystem

/// A network card on a tap, each way: frames a second, as the guest `netbench` counts them, and CPU time.
///
/// What the guest sends goes to a socket that nobody reads. What it receives is sent by this process as quickly as one
/// thread can: the contestant has the rest of the machine.
struct NetworkBenchmark {
    private struct Case {
        let name: String
        let arguments: String
        let isToGuest: Bool
        let payload: Int
    }

    private static let cases = [
        Case(name: "send-1514", arguments: "op=send size=1514", isToGuest: false, payload: 0),
        Case(name: "send-60", arguments: "op=send size=60", isToGuest: false, payload: 0),
        Case(
            name: "send-tcp-64k", arguments: "op=send size=65054 segment=1448", isToGuest: false, payload: 0),
        Case(name: "receive-1514", arguments: "op=receive ms=0", isToGuest: true, payload: 1472),
        Case(name: "receive-60", arguments: "op=receive ms=0", isToGuest: true, payload: 18),
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let rounds = try options.number("runs", default: 5)
        let seconds = try options.number("seconds", default: 2)
        let guest = try options.guest("netbench")
        let wait = options.text("wait") ?? "interrupt"
        let wanted = options.text("case")?.split(separator: ",").map(String.init)
        let contestants = try DeviceContestant.all(
            options, [DeviceSetting(devices: [.network(tap: IsolatedNetwork.tap)])])
        let network = try IsolatedNetwork(mtu: 1500)
        let socket = try DatagramSocket.open()
        for `case` in cases where wanted?.contains(`case`.name) ?? true {
            var measured = DeviceRounds(contestants)
            try measured.run(rounds) { contestant in
                let duration = `case`.isToGuest ? "" : " ms=\(seconds * 1000)"
                var run = try DeviceRun(
                    contestant, guest: guest, "\(`case`.arguments)\(duration) wait=\(wait)", memoryMiB: 256,
                    number: 0)
                let before = try network.framesFromGuest()
                _ = try run.line("net start")
                let cpu = run.cpuMilliseconds
                if `case`.isToGuest { send(`case`.payload, seconds, socket) }
                let result = try run.result("net \(`case`.isToGuest ? "receive" : "send")", since: cpu)
                try run.finish()
                let arrived = try network.framesFromGuest() - before
                if !`case`.isToGuest, arrived < result["frames"] {
                    throw BenchmarkError.contestant(
                        contestant.name, "of \(result["frames"].fixed(0)) frames \(arrived.fixed(0)) arrived")
                }
                return result
            }
            print(
                "net \(`case`.name): \(`case`.arguments) wait=\(wait), \(seconds) s a run, \(rounds) rounds, medians\n"
            )
            report(`case`, measured, &figures)
        }
    }

    /// Datagrams for so long, each with its number; then the word that ends the guest, as often as it takes to arrive.
    private static func send(_ size: Int, _ seconds: Int, _ socket: borrowing DatagramSocket) {
        var payload = [UInt8](repeating: 0, count: size)
        let end = HostClock.monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        var number: UInt64 = 0
        while number & 63 != 0 || HostClock.monotonicNanoseconds() < end {
            for byte in 0..<8 {
                let value = UInt8(truncatingIfNeeded: number >> (8 * UInt64(byte)))
                payload[byte] = value
                payload[8 + byte] = ~value
            }
            _ = socket.send(payload)
            number += 1
        }
        var last = Array("end".utf8)
        last += [UInt8](repeating: 0, count: 17)
        for _ in 0..<20 {
            usleep(10_000)
            _ = socket.send(last)
        }
    }

    private static func report(_ `case`: Case, _ measured: DeviceRounds, _ figures: inout Figures) {
        var table = Table([
            "", "frames/s", "least", "most", "Mbit/s", "lost %", "CPU µs a frame", "kicks a frame",
            "interrupts a frame",
        ])
        let rate: (DeviceResult) -> Double = { $0["frames"] / $0["seconds"] }
        let cpu: (DeviceResult) -> Double = { $0.cpuMilliseconds * 1000 / $0["frames"] }
        for (index, contestant) in measured.contestants.enumerated() {
            let extremes = measured.extremes(index, rate)
            table.add([
                contestant.name, measured.median(index, rate).fixed(0), extremes.least.fixed(0),
                extremes.most.fixed(0), measured.median(index) { $0["mbit_per_s"] }.fixed(0),
                measured.median(index) { 100 * $0["lost"] / ($0["lost"] + $0["frames"]) }.fixed(1),
                measured.median(index, cpu).fixed(2),
                measured.median(index) { $0["kicks"] / $0["frames"] }.fixed(4),
                measured.median(index) { $0["interrupts"] / $0["frames"] }.fixed(4),
            ])
            figures.add(
                "net.\(`case`.name).\(contestant.name).frames-per-second", measured.median(index, rate))
            figures.add("net.\(`case`.name).\(contestant.name).cpu-us-a-frame", measured.median(index, cpu))
        }
        print(table.text)
        measured.compare("frames a second", "net.\(`case`.name).ratio", isMost: true, &figures, rate)
        measured.compare("CPU time a frame", "net.\(`case`.name).cpu-ratio", isMost: false, &figures, cpu)
        print("")
    }
}

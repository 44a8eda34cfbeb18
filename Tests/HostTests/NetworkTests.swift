import HostSystem
import MachineTesting
import Testing

/// Machines with a card on a tap, in network namespaces of the tests' own.
@Suite(
    "Network cards", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"),
    .enabled(if: NetworkNamespace.isAvailable, "\(NetworkNamespace.notAvailable)"))
struct NetworkTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    /// Checks that a machine with this card is refused before its guest says a word.
    private func refusal(
        _ card: String, status: Int32, naming parts: String..., by wrapper: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let roost = [TestHost.buildDirectory + "/roost", "run", try TestHost.guest("hello"), "-n", "vm"]
        let arguments = wrapper + roost + ["--net", card, "--run-directory", host.directory.path + "/run"]
        let run = try Finished(try ChildProcess(arguments[0], Array(arguments.dropFirst())))
        run.expectRefusal(status: status, naming: parts, sourceLocation: sourceLocation)
        #expect(host.leftovers == [], sourceLocation: sourceLocation)
    }

    @Test("A tap that is in use, is none, or cannot be made")
    func badTaps() throws {
        try NetworkNamespace.run {
            let other = try TapInterface.open("tap0")
            try refusal("tap=tap0", status: 75, naming: "tap0", "in use")
            try refusal("tap=lo", status: 66, naming: "lo", "not a tap", "ip tuntap add")
            let withoutRight = [
                "/usr/bin/setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin", "--",
            ]
            try refusal(
                "tap=tap1", status: 77, naming: "tap1", "does not exist", "CAP_NET_ADMIN", by: withoutRight)
            try refusal("tap=tap1,mtu=65535", status: 64, naming: "tap1", "65535", "65521")
            #expect(!NetworkNamespace.hasInterface("tap1"))
            let name = other.name
            #expect(NetworkNamespace.hasInterface(name))
        }
    }

    @Test("An address that is none, and a card twice")
    func badCards() throws {
        try refusal("tap=tap0,mac=01:00:00:00:00:01", status: 64, naming: "mac", "01:00:00:00:00:01")
        try refusal("tap=tap0,mac=hello", status: 64, naming: "mac", "hello")
        try refusal("mac=02:00:00:00:00:01", status: 64, naming: "tap")
    }

    @Test("A host without /dev/net/tun")
    func noDriver() throws {
        let hidden = [
            "/usr/bin/unshare", "--mount", "/bin/sh", "-c", "mount -t tmpfs none /dev/net && exec \"$@\"",
            "sh",
        ]
        try refusal(
            "tap=tap0", status: 69, naming: "/dev/net/tun", "No such file", "modprobe tun", by: hidden)
    }

    @Test("A tap that was made goes with the machine, even if that is killed; one that was there stays")
    func removed() throws {
        try NetworkNamespace.run {
            try NetworkNamespace.makeTap("tap0")
            let machine = try host.boot("spin", "", ["--net", "tap=tap0", "--net", "tap=tap1"])
            try machine.wait(forOutput: "seconds=")
            #expect(NetworkNamespace.hasInterface("tap1"))
            machine.signal(9)
            _ = try machine.finish()
            #expect(NetworkNamespace.hasInterface("tap0"))
            #expect(!NetworkNamespace.hasInterface("tap1"))
        }
    }

    @Test("A guest answers datagrams of all sizes, every checksum right", arguments: ["on", "off"])
    func echo(mergeable: String) throws {
        try NetworkNamespace.run {
            try NetworkNamespace.makeTap("tap0")
            try NetworkNamespace.bringUp("tap0")
            let address = try ChildProcess("/usr/sbin/ip", ["address", "add", "10.77.0.1/24", "dev", "tap0"])
            #expect(try address.finish() == .exited(0))
            let socket = try DatagramSocket(port: 7777)
            let machine = try host.boot(
                "netbench", "op=echo ms=0 mergeable=\(mergeable)", ["--net", "tap=tap0"])
            try machine.wait(forOutput: "net start")
            for number in 0..<200 as Range<UInt64> {
                let datagram = DatagramSocket.numbered(number, size: 16 + Int(number) * 7)
                try socket.send(datagram, toPort: 7777)
                let isSame = try socket.receive() == datagram
                try #require(isSame, "datagram \(number)")
            }
            try socket.send(Array("end".utf8), toPort: 7777)
            #expect(try machine.finish() == .exited(0))
            #expect(machine.output.text.contains("frames=200 "))
            #expect(machine.output.text.contains("broken=0 lost=0"))
        }
    }

    @Test("A tap that is removed under a machine leaves it running")
    func lost() throws {
        try NetworkNamespace.run {
            let machine = try host.boot("spin", "", ["--net", "tap=tap0"])
            try machine.wait(forOutput: "seconds=")
            try NetworkNamespace.remove("tap0")
            try machine.wait(forErrors: "the tap tap0 is gone")
            machine.signal(15)
            #expect(machine.output.text.contains("seconds="))
            _ = try machine.finish()
        }
    }
}

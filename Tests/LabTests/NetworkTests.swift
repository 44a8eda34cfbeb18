import MachineTesting
import Testing

extension LabSuite {
    @Suite("A virtio network card", .serialized)
    struct NetworkTests {
        @Test("carries 100 MB each way, byte for byte, over a tap in a network namespace")
        func transfer() throws {
            let namespace = try NetworkNamespace()
            try namespace.addTap("tap0", address: "192.0.2.1/24")
            let linux = try LinuxMachine(
                devices: ["--net", "tap=tap0,mac=02:00:5e:10:00:01", "--net", "tap=tap1"], in: namespace)
            #expect(try linux.succeed("cat /sys/class/net/eth0/address") == "02:00:5e:10:00:01")
            try linux.succeed("ip address add 192.0.2.2/24 dev eth0 && ip link set eth0 up")
            #expect(try namespace.interfaces == ["lo", "tap0", "tap1"])
            try linux.succeed("ping -c 1 -W 60 192.0.2.1")

            let bytes = 100_000_000
            try exchange(linux, namespace, toGuest: bytes, fromGuest: 0)
            try exchange(linux, namespace, toGuest: 0, fromGuest: bytes)
            try exchange(linux, namespace, toGuest: 5_000_000, fromGuest: 5_000_000, connections: 8)
            for counter in ["rx_errors", "tx_errors", "rx_crc_errors"] {
                #expect(try linux.number("cat /sys/class/net/eth0/statistics/\(counter)") == 0)
            }
            #expect(try linux.number("cat /sys/class/net/eth0/statistics/rx_bytes") > bytes)

            try second(linux, namespace)
            try linux.powerOff()
            #expect(try namespace.interfaces == ["lo", "tap0"], "a tap that was not there before is gone")
        }

        /// The card whose tap the machine made is another network.
        private func second(_ linux: LinuxMachine, _ namespace: NetworkNamespace) throws {
            try namespace.configure("tap1", address: "198.51.100.1/24")
            try linux.succeed("ip address add 198.51.100.2/24 dev eth1 && ip link set eth1 up")
            try linux.succeed("ping -c 1 -W 60 198.51.100.1")
        }

        /// Streams over connections from the guest to the host; each end checks all that it receives.
        private func exchange(
            _ linux: LinuxMachine, _ namespace: NetworkNamespace, toGuest: Int, fromGuest: Int,
            connections: Int = 1
        ) throws {
            let server = [
                Lab.tool("stream"), "listen", "tcp:192.0.2.1:7000", "connections=\(connections)",
                "send=\(toGuest)", "receive=\(fromGuest)",
            ]
            let listening = try Lab.start(server, in: namespace)
            try listening.wait(forOutput: "stream: listening")
            let guest = StreamReport(
                try linux.succeed(
                    "stream connect tcp:192.0.2.1:7000 connections=\(connections) at-once=\(connections)"
                        + " send=\(fromGuest) receive=\(toGuest)"))
            let host = StreamReport(try Lab.succeeded(listening, server))
            try StreamReport.check(
                guest: guest, host: host, toGuest: toGuest, fromGuest: fromGuest, connections: connections)
        }
    }
}

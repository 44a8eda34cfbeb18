import Foundation
import MachineTesting
import Testing

extension LabSuite {
    @Suite("A virtio socket device", .serialized)
    struct VsockTests {
        @Test("carries 1,000 connections from each side, with both directions and half-closed ones, and bulk")
        func connections() throws {
            let directory = try TemporaryDirectory()
            let path = directory.path + "/vsock"
            let linux = try LinuxMachine(devices: ["--vsock", "path=\(path),cid=42"])

            try fromGuest(linux, path, connections: 1000, atOnce: 100, toGuest: 3000, fromGuest: 700)
            try fromHost(linux, path, connections: 1000, atOnce: 100, toGuest: 700, fromGuest: 3000)
            try fromGuest(linux, path, connections: 1, atOnce: 1, toGuest: 8_000_000, fromGuest: 8_000_000)
            try fromHost(linux, path, connections: 4, atOnce: 4, toGuest: 2_000_000, fromGuest: 0)

            // Nobody listens: a clear no, on either side.
            #expect(try linux.run("stream connect vsock:2:7999; echo status $?").hasSuffix("status 1"))
            let refused = try Lab.start([Lab.tool("stream"), "connect", "unix:\(path)", "hello=CONNECT 7999"])
            #expect(try refused.finish() == .exited(1))
            #expect(try linux.run("dmesg | grep -i -E 'vsock.*(error|warn)'") == "")
            try linux.powerOff()
            #expect(directory.contents() == ["vsock_7000"], "the machine's own socket is gone")
        }

        private func options(_ connections: Int, _ atOnce: Int, send: Int, receive: Int) -> [String] {
            ["connections=\(connections)", "at-once=\(atOnce)", "send=\(send)", "receive=\(receive)"]
        }

        /// The guest connects to the host's port 7000, which is the Unix socket PATH_7000.
        private func fromGuest(
            _ linux: LinuxMachine, _ path: String, connections: Int, atOnce: Int, toGuest: Int, fromGuest: Int
        ) throws {
            try? FileManager.default.removeItem(atPath: path + "_7000")
            let server =
                [Lab.tool("stream"), "listen", "unix:\(path)_7000"]
                + options(connections, 1, send: toGuest, receive: fromGuest)
            let listening = try Lab.start(server)
            try listening.wait(forOutput: "stream: listening")
            let words = options(connections, atOnce, send: fromGuest, receive: toGuest)
            let guest = StreamReport(
                try linux.succeed("stream connect vsock:2:7000 \(words.joined(separator: " "))"))
            let host = StreamReport(try Lab.succeeded(listening, server))
            try StreamReport.check(
                guest: guest, host: host, toGuest: toGuest, fromGuest: fromGuest, connections: connections)
        }

        /// The host connects through the machine's Unix socket to the guest's port 7001.
        private func fromHost(
            _ linux: LinuxMachine, _ path: String, connections: Int, atOnce: Int, toGuest: Int, fromGuest: Int
        ) throws {
            let words = options(connections, 1, send: fromGuest, receive: toGuest).joined(separator: " ")
            // In a shell of its own, so that ours tells nothing of jobs.
            try linux.succeed(
                "rm -f /report; ( (stream listen vsock:any:7001 \(words) >/report; echo >/ended) & )")
            try linux.succeed("until grep -q listening /report; do usleep 10000; done")
            let client =
                [Lab.tool("stream"), "connect", "unix:\(path)", "hello=CONNECT 7001"]
                + options(connections, atOnce, send: toGuest, receive: fromGuest)
            let host = StreamReport(try Lab.run(client))
            let guest = StreamReport(
                try linux.succeed("until rm /ended 2>/dev/null; do usleep 10000; done; cat /report"))
            try StreamReport.check(
                guest: guest, host: host, toGuest: toGuest, fromGuest: fromGuest, connections: connections)
        }
    }
}

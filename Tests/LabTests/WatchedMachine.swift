import Foundation
import HostSystem
import MachineTesting
import Synchronization

/// A machine that runs in the lab, as it is seen from outside. Whatever waits too long asks all of them what they do.
struct WatchedMachine: Sendable, Hashable {
    let name: String
    let runDirectory: String

    private static let watched = Mutex<[WatchedMachine]>([])

    /// Those that are watched now.
    static var all: [WatchedMachine] { watched.withLock { $0 } }

    func watch() { Self.watched.withLock { $0.append(self) } }
    func unwatch() { Self.watched.withLock { list in list.removeAll { $0 == self } } }

    /// What `roost stats` and the control socket tell now.
    func look() -> MachineLook {
        do {
            return try MachineLook(statistics: statistics(), registers: registers())
        } catch {
            return MachineLook(remark: "\(error)")
        }
    }

    private func statistics() throws -> [UInt8] {
        try roost("stats", name, "--json")
    }

    /// What a Linux guest's processes wait for, as seen from outside: its process list, and the stacks of a few
    /// processes that are not the kernel's own. Of another guest, why nothing is seen.
    func processes() -> String {
        struct Listing: Decodable {
            struct Row: Decodable {
                let pid: Int
                let kernelThread: Bool
            }

            let rows: [Row]
        }
        do {
            let list = try JSONDecoder().decode(
                Listing.self, from: Data(roost("inspect", name, "ps", "--json")))
            let stacks = list.rows.filter { !$0.kernelThread }.prefix(8).map { row in
                do {
                    return try roost("inspect", name, "bt", "\(row.pid)").text
                } catch {
                    return "bt \(row.pid): \(error)\n"
                }
            }
            return try roost("inspect", name, "ps", "--tree").text + stacks.joined()
        } catch {
            return "its processes: \(error)"
        }
    }

    /// What `roost` prints of it.
    private func roost(_ arguments: String...) throws -> [UInt8] {
        // Not by `Lab.run`, which would ask us again: a machine that answers nothing must not hold up the report.
        let command = try ChildProcess(
            "/usr/bin/timeout", ["20", Lab.optimized("roost")] + arguments,
            environment: ["ROOST_RUN_DIR": runDirectory])
        guard try command.finish() == .exited(0) else { throw TestFailure(command.errors.text) }
        return command.output
    }

    /// docs/control-socket.md, `registers`.
    private func registers() throws -> [UInt8] {
        let socket = try LocalSocket.connect(to: "\(runDirectory)/\(name)/control.sock")
        let request = #"{"jsonrpc":"2.0","id":1,"method":"registers"}"# + "\n"
        _ = try LocalSocket.send(Array(request.utf8)[...], to: socket)
        var reply: [UInt8] = []
        var events = PollSet()
        events.watch(socket.number, for: .readable)
        while reply.last != UInt8(ascii: "\n"), try events.wait(timeoutMilliseconds: 20_000) {
            guard let bytes = try DescriptorIO.read(socket.number, limit: 65536), !bytes.isEmpty else {
                break
            }
            reply += bytes
        }
        guard reply.last == UInt8(ascii: "\n") else { throw TestFailure("no answer from the control socket") }
        return reply
    }
}

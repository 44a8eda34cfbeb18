import Foundation

extension GuestReport {
    /// The states of sockets by the numbers of /proc/net/tcp, under the names that ss(8) has.
    private static let socketStates = [
        "01": "ESTAB", "02": "SYN-SENT", "03": "SYN-RECV", "04": "FIN-WAIT-1", "05": "FIN-WAIT-2",
        "06": "TIME-WAIT", "07": "UNCONN", "08": "CLOSE-WAIT", "09": "LAST-ACK", "0A": "LISTEN",
        "0B": "CLOSING",
    ]

    /// What scripts/lab.d/dump-guest has made in the guest; a report of less would judge nothing.
    private static let expectedSockets = [
        "tcp LISTEN 127.0.0.1:", "tcp LISTEN [::1]:", "tcp LISTEN 0.0.0.0:", "tcp LISTEN [::]:",
        "tcp ESTAB 127.0.0.1:", "tcp ESTAB [::1]:", "tcp FIN-WAIT-2 ", "tcp CLOSE-WAIT ",
        "udp UNCONN 127.0.0.1:", "udp UNCONN [::1]:", "udp UNCONN [::]:", "udp ESTAB 127.0.0.1:",
        "udp ESTAB [::1]:", "u_str LISTEN /tmp/stream", "u_str ESTAB ", "u_str UNCONN ", "u_seq ESTAB ",
        "u_dgr ESTAB @roost-datagram", "u_dgr ESTAB -",
    ]

    /// The `sockets` view, as /proc/net and the links of /proc/PID/fd tell: every socket both ways, with its addresses,
    /// ports, state, queues, user, inode and owners.
    public func compareSockets(_ rows: [ViewCells]) throws -> [String] {
        let owners = try socketOwners()
        let told =
            try internetSockets("tcp", owners) + internetSockets("tcp6", owners)
            + internetSockets("udp", owners) + internetSockets("udp6", owners) + unixSockets(owners)
        for beginning in Self.expectedSockets where !told.contains(where: { $0.hasPrefix(beginning) }) {
            return ["the guest told of no socket '\(beginning)'"]
        }
        guard told.contains(where: { $0.contains(" uid 1000 ") }) else {
            return ["the guest told of no other user's socket"]
        }
        let seen = rows.map { row in
            let kind = row.text("kind")
            let ends = "\(kind) \(row.text("state")) \(row.text("local"))"
            let rest = "inode \(row.text("inode")) of \(Self.owners(row))"
            guard ["tcp", "udp"].contains(kind) else { return "\(ends) \(rest)" }
            let send = row.text("state") == "LISTEN" ? "-" : row.text("sendQueue")
            return "\(ends) \(row.text("peer")) queues \(row.text("receiveQueue")) \(send)"
                + " uid \(row.text("uid")) \(rest)"
        }
        return Self.differences("socket", seen: seen.sorted(), told: told.sorted())
            + Self.unmatchedPeers(rows)
    }

    /// What of the view's own peers does not agree: /proc does not tell them, but each of two has the other.
    private static func unmatchedPeers(_ rows: [ViewCells]) -> [String] {
        let pairs = rows.filter {
            ["u_str", "u_seq"].contains($0.text("kind")) && $0.text("state") == "ESTAB"
        }
        let inodes = pairs.filter { $0["inode"]?.number != nil }
        guard inodes.count > 3 else { return ["only \(inodes.count) connected UNIX sockets"] }
        return inodes.compactMap { row in
            let peer = inodes.first { $0["inode"] == row["peer"] }
            guard let peer else { return "the peer of \(row) is not there" }
            return peer["peer"] == row["inode"] ? nil : "the peer of \(row) is \(peer)"
        }
    }

    /// Who has a socket open: process, name and descriptor.
    private static func owners(_ row: ViewCells) -> String {
        guard case .list(let owners)? = row["processes"] else { return "?" }
        return text(
            owners.map { owner in
                guard case .record(let fields) = owner else { return "?" }
                return "\(fields.text("pid")) \(fields.text("command")) \(fields.text("fd"))"
            })
    }

    private static func text(_ owners: [String]) -> String {
        owners.isEmpty ? "nobody" : owners.sorted().joined(separator: ", ")
    }

    /// By inode, from the links of every process's descriptors.
    private func socketOwners() throws -> [String: [String]] {
        let names = try told()
        var owners: [String: [String]] = [:]
        var process: Int64 = 0
        for line in try section("descriptors") {
            if line.hasPrefix("/proc/"), line.hasSuffix("/fd:") {
                process = line.split(separator: "/").dropFirst().first.flatMap { Int64($0) } ?? 0
            } else if let link = line.range(of: " -> socket:["),
                let descriptor = line[..<link.lowerBound].split(separator: " ").last
            {
                let inode = String(line[link.upperBound...].dropLast())
                owners[inode, default: []].append("\(process) \(names[process]?.name ?? "?") \(descriptor)")
            }
        }
        return owners
    }

    /// Lines of /proc/net/tcp and its like: number, addresses, state, queues, timers, user, timeouts, inode.
    private func internetSockets(_ name: String, _ owners: [String: [String]]) throws -> [String] {
        try section("net-\(name)").dropFirst().map { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 9, let state = Self.socketStates[words[3]],
                let local = Self.endpoint(words[1]), let remote = Self.endpoint(words[2])
            else { throw TestFailure("net-\(name): '\(line)'") }
            let queues = words[4].split(separator: ":").map { Int64($0, radix: 16) ?? -1 }
            guard queues.count == 2 else { throw TestFailure("net-\(name): '\(line)'") }
            // How many may wait is told by ss(8) alone.
            let send = state == "LISTEN" ? "-" : "\(queues[0])"
            let inode = words[9]
            return "\(name.prefix(3)) \(state) \(local) \(remote) queues \(queues[1]) \(send)"
                + " uid \(words[7]) inode \(inode == "0" ? "-" : inode) of \(Self.text(owners[inode] ?? []))"
        }
    }

    /// Lines of /proc/net/unix: place, references, protocol, flags, kind, state, inode and perhaps a path.
    private func unixSockets(_ owners: [String: [String]]) throws -> [String] {
        let kinds = ["0001": "u_str", "0002": "u_dgr", "0005": "u_seq"]
        return try section("net-unix").dropFirst().map { line in
            let words = line.split(separator: " ", maxSplits: 7).map(String.init)
            guard words.count > 6, let kind = kinds[words[4]], let flags = UInt32(words[3], radix: 16) else {
                throw TestFailure("net-unix: '\(line)'")
            }
            // __SO_ACCEPTCON; SS_CONNECTING is a connected one that nobody has accepted.
            let state =
                flags & 0x10000 != 0 ? "LISTEN" : ["02", "03"].contains(words[5]) ? "ESTAB" : "UNCONN"
            let path = words.count > 7 ? words[7] : "-"
            let inode = words[6]
            return "\(kind) \(state) \(path) inode \(inode == "0" ? "-" : inode)"
                + " of \(Self.text(owners[inode] ?? []))"
        }
    }

    /// `0100007F:1B58` as `127.0.0.1:7000`: words of four bytes as a little-endian machine prints them.
    private static func endpoint(_ text: String) -> String? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
        let digits = Array(parts[0])
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count - 7, by: 8) {
            guard let word = UInt32(String(digits[start..<start + 8]), radix: 16) else { return nil }
            for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(8 * byte))) }
        }
        guard [4, 16].contains(bytes.count) else { return nil }
        let isVersion6 = bytes.count == 16
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // SAFETY: as many bytes as the family has, and a buffer for the longest address.
        guard
            unsafe inet_ntop(isVersion6 ? AF_INET6 : AF_INET, bytes, &buffer, socklen_t(buffer.count)) != nil
        else { return nil }
        let address = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (isVersion6 ? "[\(address)]" : address) + ":" + (port == 0 ? "*" : "\(port)")
    }

    /// The `net` view, as ip(8) and /proc/net/dev tell.
    public func compareDevices(_ rows: [ViewCells]) throws -> [String] {
        let seen = rows.map { row in
            var flags = Self.words(row["flags"])
            // ip tells only of its absence, as NO-CARRIER.
            if flags.contains("UP") && !flags.contains("RUNNING") { flags.append("NO-CARRIER") }
            flags.removeAll { $0 == "RUNNING" || $0 == "DOWN" }
            let counters = ["rxBytes", "rxPackets", "rxDropped", "txBytes", "txPackets", "txDropped"]
            return "\(row.text("index")) \(row.text("name")) \(flags.sorted()) mtu \(row.text("mtu"))"
                + " \(row.text("mac")) \(Self.words(row["addresses"]).sorted())"
                + " \(counters.map { row.text($0) })"
        }
        let told = try devices()
        guard told.contains(where: { $0.contains("\"127.0.0.1/8\"") && $0.contains("\"192.0.2.2/24\"") })
        else {
            return ["the guest told of no addresses: \(told)"]
        }
        return Self.differences("device", seen: seen, told: told)
    }

    private static func words(_ cell: ViewCell?) -> [String] {
        guard case .list(let cells)? = cell else { return [] }
        return cells.map(\.description)
    }

    private func devices() throws -> [String] {
        let counters = try deviceCounters()
        var devices: [(head: String, mac: String, addresses: [String], name: String)] = []
        for line in try section("addresses") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 1 else { continue }
            if line.first?.isNumber == true, words.count > 4, words[3] == "mtu" {
                // 1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 …
                let name = String(words[1].dropLast())
                let flags = words[2].dropFirst().dropLast().split(separator: ",").map(String.init).sorted()
                devices.append(
                    ("\(words[0].dropLast()) \(name) \(flags) mtu \(words[4])", "-", [], name))
            } else if !devices.isEmpty {
                let last = devices.count - 1
                if words[0].hasPrefix("link/") { devices[last].mac = words[1] }
                if words[0] == "inet" || words[0] == "inet6" { devices[last].addresses.append(words[1]) }
            }
        }
        return try devices.map { device in
            guard let counts = counters[device.name] else {
                throw TestFailure("/proc/net/dev knows no \(device.name)")
            }
            return "\(device.head) \(device.mac) \(device.addresses.sorted()) \(counts)"
        }
    }

    /// /proc/net/dev: eight numbers of what came in and eight of what went out; bytes, packets, errors, dropped first.
    private func deviceCounters() throws -> [String: [String]] {
        var counters: [String: [String]] = [:]
        for line in try section("net-dev") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let numbers = parts[1].split(separator: " ").map(String.init)
            guard numbers.count == 16 else { throw TestFailure("net-dev: '\(line)'") }
            counters[String(parts[0]).trimmingBlanks] = [0, 1, 3, 8, 9, 11].map { numbers[$0] }
        }
        return counters
    }
}

extension GuestReport {
    /// Seconds since the start, from /proc/uptime.
    func uptime(_ section: String) throws -> Double {
        guard let word = try line(section).split(separator: " ").first, let seconds = Double(word) else {
            throw TestFailure("no uptime in '\(try line(section))'")
        }
        return seconds
    }

    /// The `os` view, which was read after the report and before `later`, an uptime.
    ///
    /// - Parameters:
    ///   - rows: the view's.
    ///   - processors: how many the guest has.
    ///   - later: the part with an uptime from after the look; nil if there is none.
    public func compareSystem(_ rows: [ViewCells], processors: Int, later: GuestReport?) throws -> [String] {
        guard rows.count == 1, let row = rows.first else { return ["\(rows.count) rows"] }
        var differences = try [
            "banner": line("version"), "commandLine": line("cmdline"), "hostName": line("hostname"),
        ]
        .filter { row.text($0.key) != $0.value }
        .map { "\($0.key): seen '\(row.text($0.key))', told '\($0.value)'" }
        if !(try line("version")).contains(" \(row.text("release")) ") {
            differences.append("release: seen '\(row.text("release"))'")
        }
        if row["processorsOnline"] != .number(Int64(processors)) {
            differences.append("processors: seen \(row.text("processorsOnline")), there are \(processors)")
        }
        // The guest's own clock stands still between its ticks, of which an idle guest has few.
        let earliest = try uptime("uptime") - 1
        let latest = try later.map { try $0.uptime("uptime") + 0.01 } ?? .infinity
        let seen = Double(row["uptime"]?.number ?? -1) / 1e9
        if !(earliest...latest).contains(seen) {
            differences.append("uptime: seen \(seen), told \(earliest) to \(latest)")
        }
        return differences
    }

    /// The `dmesg` view: all that was told, and then what was logged since.
    public func compareLog(_ rows: [ViewCells]) throws -> [String] {
        let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
        var seen: [String] = []
        for row in rows {
            let microseconds = (row["time"]?.number ?? 0) / 1000
            let seconds = "\(microseconds / 1_000_000)"
            let fraction = "\(microseconds % 1_000_000)"
            let level = Int64(levels.firstIndex(of: row.text("level")) ?? 99)
            let head =
                "<\((row["facility"]?.number ?? -1) * 8 + level)>["
                + String(repeating: " ", count: max(0, 5 - seconds.count)) + seconds + "."
                + String(repeating: "0", count: 6 - fraction.count) + fraction + "] "
            seen += row.text("text").split(separator: "\n", omittingEmptySubsequences: false).map {
                head + $0
            }
        }
        let told = try section("dmesg")
        guard told.count > 50 else { return ["the guest told only \(told.count) lines of its log"] }
        return Self.differences("line", seen: Array(seen.prefix(told.count)), told: told)
    }

    /// The `modules` view: as /proc/modules, in its order.
    public func compareModules(_ rows: [ViewCells]) throws -> [String] {
        let seen = rows.map { row in
            var users = row["usedBy"] == ViewCell.none ? "" : row.text("usedBy") + ","
            if row["isPermanent"] == .flag(true) { users += "[permanent]," }
            let taints = row["taints"] == ViewCell.none ? "" : " (\(row.text("taints")))"
            return
                "\(row.text("name")) \(row.text("size")) \(row.text("uses")) \(users.isEmpty ? "-" : users) "
                + "\(row.text("state")) \(row.text("address"))\(taints)"
        }
        let told = try section("modules")
        guard told.count > 3 else { return ["the guest told only of \(told.count) modules"] }
        return Self.differences("module", seen: seen, told: told)
    }

    /// The `mounts` view: as /proc/mounts, in its order, without what single kinds of file systems add.
    public func compareMounts(_ rows: [ViewCells]) throws -> [String] {
        let general: Set<Substring> = [
            "ro", "rw", "sync", "dirsync", "mand", "lazytime", "nosuid", "nodev", "noexec", "noatime",
            "nodiratime",
            "relatime", "nosymfollow",
        ]
        func line(_ source: String, _ point: String, _ type: String, _ options: [Substring]) -> String {
            "\(source) \(point) \(type) \(options.filter(general.contains).joined(separator: ","))"
        }
        let told = try section("mounts").map { text in
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 6 else { return text }
            return line(words[0], words[1], words[2], words[3].split(separator: ","))
        }
        let seen = rows.map { row in
            line(
                row.text("source"), row.text("mountPoint"), row.text("type"),
                row.text("options").split(separator: ","))
        }
        return Self.differences("mount", seen: seen, told: told)
    }

    /// The `syms` view of one name, with kallsyms.
    public func compareSymbols(_ rows: [ViewCells], name: String) throws -> [String] {
        let seen = rows.map { row in
            let module = row["module"] == ViewCell.none ? "" : " [\(row.text("module"))]"
            return "\(row.text("address").dropFirst(2)) \(row.text("kind")) \(row.text("symbol"))\(module)"
        }
        let told = try section("syms").map { $0.split(whereSeparator: { $0 == "\t" || $0 == " " }) }
            .filter { $0.count > 2 && $0[2] == name }.map { $0.joined(separator: " ") }
        guard !told.isEmpty else { return ["the guest told of no symbol \(name)"] }
        return Self.differences("symbol", seen: seen.sorted(), told: told.sorted())
    }
}

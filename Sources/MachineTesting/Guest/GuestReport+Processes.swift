extension GuestReport {
    /// A process as the guest told of it.
    struct Process {
        var name = ""
        var state = ""
        var parent: Int64 = 0
        var threads: Int64 = 0
        /// In hundredths of seconds.
        var start: Int64 = 0
        var virtualSize: Int64 = 0
        /// A thread of the kernel (PF_KTHREAD).
        var isOfKernel = false
        var user: Int64?
        /// Exact: from smaps_rollup. Nil for what has no memory of its own.
        var residentSize: Int64?
        var arguments = ""
    }

    /// All that the guest told of, by their numbers, but not those that told it.
    func told() throws -> [Int64: Process] {
        var processes: [Int64: Process] = [:]
        for line in try section("stat") {
            guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"),
                let number = Int64(line[..<open].trimmingBlanks)
            else { throw TestFailure("no process in '\(line)'") }
            // proc_pid_stat(5): these begin with the third, the state.
            let words = line[line.index(after: close)...].split(separator: " ").map(String.init)
            guard words.count > 20 else { throw TestFailure("few words in '\(line)'") }
            func field(_ place: Int) -> Int64 { Int64(words[place - 3]) ?? -1 }
            processes[number] = Process(
                name: String(line[line.index(after: open)..<close]), state: words[0], parent: field(4),
                threads: field(20), start: field(22), virtualSize: field(23),
                isOfKernel: field(9) & 0x20_0000 != 0)
        }
        for (number, words) in try values("user") {
            processes[number]?.user = words.count > 2 ? Int64(words[2]) : nil
        }
        for (number, words) in try values("resident") {
            processes[number]?.residentSize = words.count > 1 ? Int64(words[1]).map { $0 << 10 } : nil
        }
        var current: Int64?
        for line in try section("arguments") {
            if line.hasPrefix("==> /proc/") {
                current = line.split(separator: "/").dropFirst().dropFirst().first.flatMap { Int64($0) }
            } else if let current {
                processes[current]?.arguments = line.trimmingBlanks
            }
        }
        let own = try line("self").split(separator: " ").compactMap { Int64($0) }
        return processes.filter { !own.contains($0.key) && !own.contains($0.value.parent) }
    }

    /// The shell that the guest was asked to tell by.
    private func shell() throws -> Int64? {
        let own = try line("self") + " ("
        return try section("stat").first { $0.hasPrefix(own) }.flatMap { line in
            line[line.index(after: line.lastIndex(of: ")") ?? line.startIndex)...].split(separator: " ")
                .dropFirst().first
                .flatMap { Int64($0) }
        }
    }

    /// Lines such as `/proc/1/status:Uid:	0	0`: the words behind the path, by the process's number.
    private func values(_ name: String) throws -> [(Int64, [Substring])] {
        try section(name).compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2,
                let number = parts[0].split(separator: "/").dropFirst().first.flatMap({ Int64($0) })
            else { return nil }
            return (number, parts[1].split(whereSeparator: { $0 == "\t" || $0 == " " }))
        }
    }

    /// The `ps` view of a guest that did nothing since but go to its shell.
    ///
    /// Workers of the kernel come and go, and every thread of the kernel may have something to do. All else has to
    /// agree; resident pages exactly, but for the shell's, which came back to its prompt meanwhile.
    public func compareProcesses(_ rows: [ViewCells]) throws -> [String] {
        let told = try told()
        guard told.count > 20 else { return ["the guest told of only \(told.count) processes"] }
        let shell = try shell()
        var differences: [String] = []
        var seen: Set<Int64> = []
        for row in rows {
            guard let number = row["pid"]?.number else { return ["a process without a number: \(row)"] }
            if !seen.insert(number).inserted { differences.append("process \(number) is there twice") }
            guard let process = told[number] else {
                if !row.text("name").hasPrefix("kworker/") {
                    differences.append("process \(number), \(row.text("name")): the guest has none")
                }
                continue
            }
            differences += process.differences(from: row, residentBound: number == shell ? 64 << 10 : 0).map {
                "process \(number), \(process.name): \($0)"
            }
        }
        for (number, process) in told where !seen.contains(number) && !process.name.hasPrefix("kworker/") {
            differences.append("process \(number), \(process.name), is not seen")
        }
        return differences
    }
}

extension GuestReport.Process {
    func differences(from row: ViewCells, residentBound: Int64) -> [String] {
        // A worker's name in /proc tells what it works for, behind a `+` or `-`.
        let isWorker = name.hasPrefix("kworker/")
        let seenName = row.text("name")
        var pairs: [(String, String, String)] = [
            ("parent", row.text("ppid"), "\(parent)"), ("user", row.text("uid"), user.map { "\($0)" } ?? "-"),
            ("threads", row.text("threads"), "\(threads)"),
            ("start", "\((row["start"]?.number ?? -1) / 10_000_000)", "\(start)"),
            ("kernel's", row.text("kernelThread"), isOfKernel ? "yes" : "no"),
        ]
        if isWorker {
            pairs.append(("name", "\(seenName.prefix(8))", "kworker/"))
        } else {
            // Of a thread of the kernel whose name is longer than a task's can be, /proc tells the whole but for those
            // that help workers out.
            let isCut = isOfKernel && name.utf8.count == 15 && seenName.hasPrefix(name)
            let name = isCut ? seenName : name
            pairs.append(("name", seenName, name))
            pairs.append(("command", row.text("command"), arguments.isEmpty ? "[\(name)]" : arguments))
        }
        if !isOfKernel {
            let isRight =
                if let seen = row["rss"]?.number, let residentSize {
                    abs(seen - residentSize) <= residentBound
                } else {
                    row["rss"]?.number == residentSize
                }
            if !isRight {
                pairs.append(("resident", row.text("rss"), residentSize.map { "\($0)" } ?? "-"))
            }
            // Of a process that has ended and nobody has waited for, which has no memory, /proc tells 0.
            pairs.append(("virtual", row.text("vsize"), virtualSize == 0 ? "-" : "\(virtualSize)"))
            pairs.append(("state", row.text("state"), state))
        } else if !["R", "D"].contains(row.text("state")), !["R", "D"].contains(state) {
            pairs.append(("state", row.text("state"), state))
        }
        return pairs.filter { $0.1 != $0.2 }.map { "\($0.0): seen '\($0.1)', told '\($0.2)'" }
    }
}

extension StringProtocol {
    var trimmingBlanks: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        while text.first == " " { text = text.dropFirst() }
        return String(text)
    }
}

extension GuestReport {
    /// A `ps` view of the running guest, somewhat before it told of itself: whatever lived throughout is there, and
    /// nothing that the guest never had.
    ///
    /// - Parameter load: a process that was there all the time, and started others named `sh`
    ///   and `sleep`; busybox starts its programs as `/proc/self/exe`.
    public func compareListing(_ rows: [ViewCells], load: Int64) throws -> [String] {
        let told = try told()
        let parents = Dictionary(
            rows.map { ($0["pid"]?.number ?? -1, $0["ppid"]?.number ?? -1) },
            uniquingKeysWith: { first, _ in first })
        var differences: [String] = []
        if parents.count != rows.count { differences.append("a process is there twice") }
        for row in rows {
            let (number, name) = (row["pid"]?.number ?? -1, row.text("name"))
            if let process = told[number], process.start == (row["start"]?.number ?? -1) / 10_000_000 {
                if process.parent != row["ppid"]?.number || !process.isOfKernel && process.name != name {
                    differences.append("process \(number): seen \(name), told \(process)")
                }
                continue
            }
            let parent = parents[number] ?? -1
            let isOfLoad = [load, 1].contains(parent) || parents[parent] == load
            if !name.hasPrefix("kworker/"), !(isOfLoad && ["sh", "sleep", "exe"].contains(name)) {
                differences.append("process \(number), \(name), of \(parent): the guest had none")
            }
        }
        // What the load started may have come since; it itself is no younger than the listing.
        for (number, process) in told where number <= load && parents[number] == nil {
            if !process.name.hasPrefix("kworker/") {
                differences.append("process \(number), \(process.name), is not seen")
            }
        }
        return differences
    }
}

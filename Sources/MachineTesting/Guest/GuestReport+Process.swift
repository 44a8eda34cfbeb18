import Foundation

extension GuestReport {
    /// The `files` view of a process: as /proc/PID/fd.
    public func compareFiles(_ rows: [ViewCells], process: Int) throws -> [String] {
        var told: [Int64: String] = [:]
        for line in try section("files \(process)") {
            guard let arrow = line.range(of: " -> "),
                let number = line[..<arrow.lowerBound].split(separator: " ").last
            else { continue }
            // The link's permissions tell how it was opened.
            let access = line.dropFirst(1).prefix(2).filter { $0 != "-" }
            told[Int64(number) ?? -1] = "\(access) \(line[arrow.upperBound...])"
        }
        guard !told.isEmpty else { return ["the guest told of no files"] }
        let seen = rows.map { "\($0.text("fd")) \($0.text("access")) \($0.text("path"))" }
        return Self.differences(
            "file", seen: seen, told: told.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
    }

    /// The `maps` view of a process: as /proc/PID/maps.
    public func compareAreas(_ rows: [ViewCells], process: Int) throws -> [String] {
        let told = try section("maps \(process)").map { line in
            line.split(separator: " ", maxSplits: 5).map { $0.trimmingBlanks }.filter { !$0.isEmpty }
                .joined(separator: " ")
        }
        let seen = rows.map { row in
            func digits(_ key: String) -> String {
                let digits = String(row.text(key).dropFirst(2))
                return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
            }
            let isFile = row["inode"] != ViewCell.none
            let path = row["path"] == ViewCell.none ? "" : " \(row.text("path"))"
            return "\(digits("start"))-\(digits("end")) \(row.text("permissions")) \(digits("offset")) "
                + (isFile ? "\(row.text("device")) \(row.text("inode"))" : "00:00 0") + path
        }
        return Self.differences("area", seen: seen, told: told)
    }

    /// The `bt` view of a task that sleeps: as /proc/PID/stack, which leaves the scheduler's own functions out.
    public func compareStack(_ frames: [ViewCells], process: Int) throws -> [String] {
        let told = try section("stack \(process)").map { line in
            String(line.drop { $0 != " " }.dropFirst())
        }
        guard told.count > 1 else { return ["the guest told of \(told.count) functions"] }
        let seen = frames.filter { $0["guess"] != .flag(true) }.map { $0.text("function") }
        let extra = seen.count - told.count
        let isLeftOut = seen.prefix(max(0, extra)).allSatisfy {
            $0.contains("schedule") || $0.hasPrefix("do_nanosleep+")
        }
        guard (0...4).contains(extra), isLeftOut else {
            return ["seen \(seen), told \(told)"]
        }
        return Self.differences("frame", seen: Array(seen.dropFirst(extra)), told: told)
    }
}

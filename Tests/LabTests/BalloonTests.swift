import Foundation
import MachineTesting
import Testing

extension LabSuite {
    @Suite("A virtio balloon", .serialized)
    struct BalloonTests {
        static let mebibyte = 1 << 20

        @Test("takes memory from the guest and the host, gives it back, and yields to a guest in need")
        func inflation() throws {
            // Without reporting: else the host would have the memory back before the balloon takes it.
            let linux = try LinuxMachine(memory: "512M", devices: ["--balloon", "free-page-reporting=off"])
            try touchMemory(linux, mebibytes: 400)

            let before = try residentBytes(linux)
            #expect(before > 400 * Self.mebibyte)
            let free = try freeMebibytes(linux)
            try setBalloon(linux, mebibytes: 128)
            let after = try residentBytes(linux)
            #expect(before - after > 120 * Self.mebibyte, "the host has the memory: \(before) to \(after)")
            let taken = free - (try freeMebibytes(linux))
            #expect((118...138).contains(taken), "the guest has so much less: \(taken) MiB")

            try setBalloon(linux, mebibytes: 0)
            try touchMemory(linux, mebibytes: 400)

            // More than is left beside the balloon: the guest takes from it before it kills anybody.
            try setBalloon(linux, mebibytes: 256)
            try touchMemory(linux, mebibytes: 300)
            #expect(try balloon(linux).actualBytes < 256 * Self.mebibyte)
            #expect(try linux.run("dmesg | grep -i 'killed process'") == "")
            try linux.powerOff()
        }

        @Test("returns what the guest has freed to the host, by free page reporting")
        func reporting() throws {
            let linux = try LinuxMachine(memory: "512M", devices: ["--balloon", "free-page-reporting=on"])
            let before = try residentBytes(linux)
            try linux.succeed("mkfifo /hold && ( (hog 300 </hold >/hog) & ) && exec 5>/hold")
            try linux.succeed("until grep -q 'has 300 MiB' /hog; do usleep 10000; done")
            let held = try residentBytes(linux)
            #expect(held - before > 260 * Self.mebibyte)
            // The hog ends when its input does. The kernel reports free memory some seconds later.
            try linux.succeed("exec 5>&-")
            try linux.process.wait(for: "a smaller machine") {
                try residentBytes(linux) < held - 240 * Self.mebibyte
            }
            try touchMemory(linux, mebibytes: 300)
            try linux.powerOff()
        }

        @Test("tells the guest's own figures of its memory, as /proc/meminfo has them, within 5 %")
        func statistics() throws {
            let linux = try LinuxMachine(memory: "512M", devices: ["--balloon", "stats-interval=1s"])
            // Something in the page cache, and something used.
            try linux.succeed("dd if=/dev/zero of=/tmp/file bs=1M count=64 2>/dev/null")
            let names = [
                "totalBytes": "MemTotal", "freeBytes": "MemFree", "availableBytes": "MemAvailable",
                "cacheBytes": "Cached",
            ]
            var remarks: [String] = []
            // What the guest tells is up to a second old, and right after its start there is much going on.
            try linux.process.wait(for: "figures that agree") {
                let meminfo = try meminfo(linux)
                let told = try balloon(linux).statistics
                remarks = names.compactMap { name, key in
                    guard let told = told[name], let true_ = meminfo[key] else { return "\(name) is missing" }
                    return abs(told - true_) * 20 <= true_ ? nil : "\(name): \(told), \(key): \(true_)"
                }
                return remarks.isEmpty
            }
            let told = try balloon(linux).statistics
            #expect(told["majorFaults"] != nil && told["minorFaults"] ?? 0 > 1000)
            try linux.powerOff()
        }

        // MARK: - What they look at

        /// Has a program in the guest write to so much memory, check it and end.
        private func touchMemory(_ linux: LinuxMachine, mebibytes: Int) throws {
            #expect(try linux.succeed("hog \(mebibytes) </dev/null").hasSuffix("found all as it was"))
        }

        /// Sets the balloon and waits until it is that large.
        private func setBalloon(_ linux: LinuxMachine, mebibytes: Int) throws {
            try linux.roost("balloon", LinuxMachine.name, "\(mebibytes)M")
            try linux.process.wait(for: "the balloon at \(mebibytes) MiB") {
                let now = try balloon(linux)
                return now.targetBytes == mebibytes * Self.mebibyte && now.actualBytes == now.targetBytes
            }
        }

        /// What `roost balloon --json` tells.
        struct Report: Decodable {
            let targetBytes: Int
            let actualBytes: Int
            let statistics: [String: Int]
        }

        private func balloon(_ linux: LinuxMachine) throws -> Report {
            let text = try linux.roost("balloon", LinuxMachine.name, "--json")
            return try JSONDecoder().decode(Report.self, from: Data(text.utf8))
        }

        /// The process's resident memory, all kinds of it.
        private func residentBytes(_ linux: LinuxMachine) throws -> Int {
            let status = try Lab.run(["/bin/cat", "/proc/\(linux.process.process)/status"])
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            let words = line.split { $0 == " " || $0 == "\t" }
            return try #require(words.count == 3 ? Int(words[1]) : nil) * 1024
        }

        private func freeMebibytes(_ linux: LinuxMachine) throws -> Int {
            try #require(try meminfo(linux)["MemFree"]) / Self.mebibyte
        }

        /// The guest's /proc/meminfo, in bytes.
        private func meminfo(_ linux: LinuxMachine) throws -> [String: Int] {
            let lines = try linux.succeed("cat /proc/meminfo").split(separator: "\n")
            return Dictionary(
                lines.compactMap { line in
                    let words = line.split { $0 == " " || $0 == ":" }
                    return words.count >= 2 ? Int(words[1]).map { (String(words[0]), $0 * 1024) } : nil
                }, uniquingKeysWith: { first, _ in first })
        }
    }
}

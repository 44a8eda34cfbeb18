internal import HostSystem

/// A process's memory without its guest's, in KiB, from /proc/PID/smaps.
struct MemoryMaps {
    private(set) var resident = 0
    private(set) var proportional = 0
    private(set) var privateDirty = 0
    /// What was left out: the mapping that holds the guest's RAM.
    private(set) var guestResident = 0
    private(set) var guestMapping = 0
    /// The mappings with private dirty memory, largest first.
    private(set) var dirtiest: [(kibibytes: Int, name: String)] = []

    private struct Entry {
        var name: String
        var values: [String: Int] = [:]

        func value(_ key: String) -> Int { values[key] ?? 0 }
    }

    /// - Parameter guestMiB: the guest's RAM. Its mapping is the one of just that size; should the kernel have
    ///   merged it with a neighbour, the smallest that is larger.
    init(of process: Int32, guestMiB: Int) throws {
        let file = try OwnedDescriptor.open("/proc/\(process)/smaps", 0)
        let text = try DescriptorIO.readAll(file.number, limit: 16 << 20)
        let entries = Self.entries(String(decoding: text, as: UTF8.self))
        let guest = entries.indices.filter {
            entries[$0].value("Size") >= guestMiB << 10 && entries[$0].value("Rss") > 0
        }
        .min { entries[$0].value("Size") < entries[$1].value("Size") }
        for (index, entry) in entries.enumerated() {
            if index == guest {
                guestResident = entry.value("Rss")
                guestMapping = entry.value("Size")
                continue
            }
            resident += entry.value("Rss")
            proportional += entry.value("Pss")
            privateDirty += entry.value("Private_Dirty")
            if entry.value("Private_Dirty") > 0 {
                dirtiest.append((entry.value("Private_Dirty"), entry.name))
            }
        }
        dirtiest.sort { $0.kibibytes > $1.kibibytes }
    }

    private static func entries(_ text: String) -> [Entry] {
        var entries: [Entry] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, words[2] == "kB" {
                entries.indices.last.map {
                    entries[$0].values[String(words[0].dropLast())] = Int(words[1]) ?? 0
                }
            } else if words.count >= 5, words[0].contains("-") {
                entries.append(
                    Entry(name: "\(words[1]) \(words.count > 5 ? String(words[5]) : "anonymous") \(words[0])")
                )
            }
        }
        return entries
    }
}

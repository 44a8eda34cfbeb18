import Foundation
import MachineTesting

/// What lies in a guest's memory at an address of its own, read from outside in the memory of its process.
struct GuestCode {
    private let memory: FileHandle
    /// Where the guest's RAM begins in the process, and its bytes. Tests' machines have less than what the hole below
    /// 4 GiB would divide.
    private let start: UInt64
    private let size: UInt64

    /// The RAM is what of private memory has its size: pages of the kernel's file may be mapped into it.
    init(process: Int, memoryBytes: Int) throws {
        let maps = try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)
        var ranges: [Range<UInt64>] = []
        for line in maps.split(separator: "\n") {
            let words = line.split(separator: " ")
            let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard words.count > 1, words[1] == "rw-p", ends.count == 2, ends[0] < ends[1] else { continue }
            if let last = ranges.last, last.upperBound == ends[0] {
                ranges[ranges.count - 1] = last.lowerBound..<ends[1]
            } else {
                ranges.append(ends[0]..<ends[1])
            }
        }
        guard let range = ranges.first(where: { $0.count == memoryBytes }) else {
            throw TestFailure("nothing of \(memoryBytes) bytes is in:\n\(maps)")
        }
        memory = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/mem"))
        start = range.lowerBound
        size = UInt64(memoryBytes)
    }

    /// Sixteen bytes before and after an address, as hexadecimal digits, a colon between them; of its page only.
    func around(_ address: UInt64, pageTable: UInt64) throws -> String {
        let page = address & ~0xFFF
        let first = max(page, address &- min(16, address - page))
        let physical = try translate(first, pageTable: pageTable)
        let bytes = try read(physical, Int(min(address - first + 16, page &+ 0x1000 &- first)))
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        let before = Int(address - first)
        return digits.prefix(before).joined(separator: " ") + " : "
            + digits.dropFirst(before).joined(separator: " ")
    }

    /// Four levels of page tables (AMD64 manual, volume 2, section 5.3).
    private func translate(_ address: UInt64, pageTable: UInt64) throws -> UInt64 {
        var table = pageTable & 0x000F_FFFF_FFFF_F000
        for shift in [39, 30, 21, 12] as [UInt64] {
            let entry = try read(table + (address >> shift & 511) * 8, 8).reversed()
                .reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            guard entry & 1 != 0 else { throw TestFailure("the page is not present, by bit \(shift)") }
            let next = entry & 0x000F_FFFF_FFFF_F000
            let offset = (1 as UInt64) << shift - 1
            if shift == 12 || (shift < 39 && entry & 0x80 != 0) { return next & ~offset | address & offset }
            table = next
        }
        throw TestFailure("a walk of four levels has no end")
    }

    private func read(_ physical: UInt64, _ count: Int) throws -> Data {
        guard physical < size, UInt64(count) <= size - physical else {
            throw TestFailure("\(String(physical, radix: 16)) is not in the guest's RAM")
        }
        try memory.seek(toOffset: start + physical)
        guard let bytes = try memory.read(upToCount: count), bytes.count == count else {
            throw TestFailure("the memory of the process ends early")
        }
        return bytes
    }
}

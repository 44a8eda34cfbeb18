import Foundation
import GuestMemory
import MachineTesting
import Testing

@testable import Introspection

/// How many damaged tables are read; ROOST_HOSTILE_CASES is for guests, each of whose cases is many reads.
private let cases =
    (ProcessInfo.processInfo.environment["ROOST_HOSTILE_CASES"].flatMap { Int($0) } ?? 10) * 100

@Suite("Types that lie") struct HostileTypesTests {
    @Test("A damaged table is refused, or read to an end: declarations, and a symbol file that is JSON")
    func damaged() throws {
        let whole = try SymbolFileTests.handmadeTypes().bytes
        var random = SeededGenerator(seed: 7)
        var refused = 0
        var written = 0
        for _ in 0..<cases {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                Self.damage(&bytes, &random)
            }
            guard let table = try? TypeTable(bytes) else {
                refused += 1
                continue
            }
            let kernel = SymbolFileTests.kernel(with: table)
            #expect(throws: Never.self) {
                let text = try SymbolFile(kernel).text()
                _ = try JSONSerialization.jsonObject(with: Data(text))
            }
            written += 1
            let view = TypeView(table)
            for name in [
                "task", "state", "atomic_t", "int", "task.high", "task.late", "task.table", "struct task",
            ] {
                // There may be no such type any more.
                _ = try? view.read(name)
            }
            for number in 0...table.count + 1 {
                _ = (table.size(of: number), table.resolved(number), table.elements(of: number))
                guard let type = table.type(number) else { continue }
                _ = (table.members(of: type), table.values(of: type), table.field("low", of: type))
            }
        }
        #expect(refused > cases / 100 && written > cases / 10, "\(refused) refused, \(written) written")
        print("types that lie: \(cases) damaged tables, \(refused) refused, \(written) read")
    }

    /// A word of four bytes becomes another: a bit, an extreme, a small number, or another word.
    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0..<bytes.count / 4, using: &random) * 4
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        let old = word(place)
        let new: UInt32 =
            switch Int.random(in: 0..<6, using: &random) {
            case 0: old ^ 1 << UInt32.random(in: 0..<32, using: &random)
            case 1: .max
            case 2: 0
            case 3: UInt32.random(in: 0...32, using: &random)
            case 4: old &+ UInt32.random(in: 0...8, using: &random) &- 4
            default: word(Int.random(in: 0..<bytes.count / 4, using: &random) * 4)
            }
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: new >> UInt32(8 * byte)) }
    }
}

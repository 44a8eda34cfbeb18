import Foundation
import MachineTesting
import Testing

/// How many times all views are read of a guest that lies; `ROOST_HOSTILE_CASES` makes it thousands, and
/// `scripts/fuzz introspection` goes on for as long as it is told to.
private let cases = ProcessInfo.processInfo.environment["ROOST_HOSTILE_CASES"].flatMap { Int($0) } ?? 10

@Suite("Guests that lie", .serialized) struct HostileMemoryTests {
    @Test("Whatever the memory holds, every view comes to an end", arguments: GuestDump.all)
    func everyViewEnds(dump: GuestDump) throws {
        let guest = try HostileGuest(try dump.file(), registers: try dump.registers())
        var random = SeededGenerator(seed: 1)
        for number in 0..<cases {
            // By turns a change of every page, and some, of which much is seen behind them.
            guard number % 2 == 1 else {
                guest.read(guest.changesOfAllPages(&random))
                continue
            }
            let count = Int.random(in: 1...64, using: &random)
            guest.read(
                (0..<count).map { _ in
                    HostileGuest.Change(
                        page: .random(in: 0...(.max), using: &random),
                        offset: .random(in: 0...(.max), using: &random),
                        kind: .random(in: 0...(.max), using: &random), argument: random.next())
                })
        }
        // The changes are seen, and views that they do not touch are still read.
        #expect(guest.different > 0 && guest.views > 2 * guest.different, "\(guest.summary)")
        // A change is met by several views, or it changes nothing.
        #expect(guest.cases == cases && guest.mutatedReads > 100 * cases, "\(guest.summary)")
        print("\(dump.testDescription): \(guest.summary)")
    }
}

import Resources
import Testing

@testable import Manager

@Suite("What is wrong")
struct TroublesTests {
    @Test("It is told once, and until it is right again")
    func cleared() throws {
        var troubles = Troubles(limit: 8)
        let (one, other) = (try VMName("a"), try VMName("b"))
        troubles.set(.measuring(one), "a: first")
        troubles.set(.setting(one), "a: no weight")
        troubles.set(.measuring(other), "b: too")
        troubles.set(.measuring(one), "a: second")
        #expect(troubles.sentences == ["a: no weight", "b: too", "a: second"])
        troubles.clear(.measuring(other))
        troubles.clear(.groups)
        #expect(troubles.sentences == ["a: no weight", "a: second"])
        troubles.clear(machine: one)
        #expect(troubles.sentences.isEmpty)
    }

    @Test("Of many the latest are told")
    func bounded() throws {
        var troubles = Troubles(limit: 3)
        for number in 0..<10 { troubles.set(.setting(try VMName("m\(number)")), "\(number)") }
        #expect(troubles.sentences == ["7", "8", "9"])
    }
}

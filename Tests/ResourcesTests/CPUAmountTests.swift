import Testing

@testable import Resources

@Suite("Amounts of CPU")
struct CPUAmountTests {
    @Test(
        "An amount is read as people write it, to the millionth",
        arguments: [
            ("50%", 500_000), ("0.5", 500_000), ("500m", 500_000), ("1.5", 1_500_000), ("0", 0),
            ("2", 2_000_000),
            ("0.000001", 1), ("0.0001%", 1), ("0.001m", 1), ("100%", 1_000_000), ("1.50000000", 1_500_000),
            ("1000000", 1_000_000_000_000), ("007", 7_000_000),
        ] as [(String, Int64)])
    func reads(text: String, millionths: Int64) throws {
        #expect(try CPUAmount(parsing: text).microCPUs == millionths)
    }

    @Test(
        "What is no amount is refused, with the text and what is accepted",
        arguments: [
            "", ".", "1.", ".5", "-1", "+1", "1 ", " 1", "1e3", "%", "m", "1%%", "1m%", "1,5", "1.5.5", "0x1",
            "١",
            "1G", "nan",
        ])
    func malformed(text: String) {
        let error = #expect(throws: CPUAmountError.malformed(text)) { try CPUAmount(parsing: text) }
        #expect(error?.description.contains("'\(text)'") == true)
        #expect(error?.description.contains("1500m") == true)
    }

    @Test("What is too fine or too large says so, however long it is")
    func outOfRange() {
        #expect(throws: CPUAmountError.tooFine("0.0000001")) { try CPUAmount(parsing: "0.0000001") }
        #expect(throws: CPUAmountError.tooFine("0.00001%")) { try CPUAmount(parsing: "0.00001%") }
        #expect(throws: CPUAmountError.tooLarge("1000000.000001")) {
            try CPUAmount(parsing: "1000000.000001")
        }
        let long = String(repeating: "9", count: 10_000)
        let error = #expect(throws: CPUAmountError.tooLarge(long)) { try CPUAmount(parsing: long) }
        #expect((error?.description.utf8.count ?? 0) < 200)
    }

    @Test("An amount is written so that it reads back the same")
    func roundTrip() throws {
        var random = SeededNumbers(seed: 1)
        for _ in 0..<2000 {
            let amount = CPUAmount(
                clamping: Int64(random.below(random.below(2) == 0 ? 3_000_000 : 1_000_000_000_001)))
            #expect(try CPUAmount(parsing: amount.description) == amount)
            #expect(try CPUAmount(parsing: amount.percentText) == amount)
        }
        #expect(CPUAmount.one.description == "1" && CPUAmount(clamping: 1_500_000).percentText == "150%")
    }

    @Test("Sums and differences stay in range or are nil")
    func arithmetic() {
        #expect(CPUAmount.one.adding(.one) == .cpus(2))
        #expect(CPUAmount.maximum.adding(CPUAmount(clamping: 1)) == nil)
        #expect(CPUAmount.one.subtracting(.cpus(2)) == nil)
        #expect(CPUAmount(microCPUs: -1) == nil && CPUAmount(microCPUs: .max) == nil)
        #expect(CPUAmount(clamping: .min) == .zero && CPUAmount(clamping: .max) == .maximum)
        #expect(CPUAmount.cpus(.max) == .maximum && CPUAmount.cpus(.min) == .zero)
    }
}

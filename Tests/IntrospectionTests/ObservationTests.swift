import Testing

@testable import Introspection

@Suite("Looks that must agree") struct ObservationTests {
    private struct Number: ViewRow, ExpressibleByIntegerLiteral {
        let integerLiteral: Int
        static let columns = [ViewColumn("NUMBER", "number", isNumber: true)]
        var cells: [ViewValue] { [.number(Int64(integerLiteral))] }
        var identity: Int { integerLiteral / 10 }
        var settled: Int { integerLiteral }

        init(integerLiteral: Int) { self.integerLiteral = integerLiteral }
    }

    private typealias Look = Result<[Number], IntrospectionError>

    /// Observes a guest of which each look finds what is next, the last one again and again.
    private func observe(_ looks: [Look], isPaused: Bool = false) throws -> (Observation<Number>?, Look?, Int)
    {
        var count = 0
        do {
            let observation = try Observation(of: KernelFixture().kernel(), isPaused: isPaused) {
                () throws(IntrospectionError) in
                count += 1
                return try looks[min(count, looks.count) - 1].get()
            }
            return (observation, nil, count)
        } catch let error as IntrospectionError {
            return (nil, .failure(error), count)
        }
    }

    @Test("Two looks that agree are enough; of a paused guest one is") func agreement() throws {
        let (still, _, once) = try observe([.success([10, 20])], isPaused: true)
        #expect(still?.rows.map(\.isUncertain) == [false, false] && once == 1)
        let (found, _, count) = try observe([.success([10]), .success([11, 20]), .success([11, 20])])
        #expect(found?.rows.map(\.row) == [11, 20] && found?.rows.map(\.isUncertain) == [false, false])
        #expect(count == 3 && found?.looks == 3)
    }

    @Test("What differs to the last is marked") func differences() throws {
        let (found, _, count) = try observe((0..<6).map { .success([Number(integerLiteral: $0), 50]) })
        #expect(found?.rows.map(\.isUncertain) == [true, false] && count == 6)
    }

    @Test("What cannot be true is looked at again") func inconsistency() throws {
        let wrong = Look.failure(.read(.inconsistent("a list")))
        let (found, _, count) = try observe([wrong, .success([10]), wrong, .success([10])])
        #expect(found?.rows.map(\.row) == [10] && found?.rows.map(\.isUncertain) == [false])
        #expect(count == 4 && found?.looks == 2)
        let (_, failure, most) = try observe([wrong])
        #expect(failure == wrong && most > 6)
    }

    @Test(
        "No second look at a machine that ended, cannot be read or lacks something",
        arguments: [.read(.ended), .read(.source("gone")), .missing("it")] as [IntrospectionError])
    func finality(error: IntrospectionError) throws {
        let (_, failure, count) = try observe([.failure(error)])
        #expect(failure == .failure(error) && count == 1)
        let (found, later, two) = try observe([.success([10]), .failure(error)])
        #expect(found == nil && later == .failure(error) && two == 2)
    }
}

import MachineTesting
import Testing

@testable import HostSystem

@Suite("Locks of hot paths")
struct GuardedTests {
    @Test("What many threads add under one lock is there in the end, to the last one", arguments: [2, 8, 32])
    func contention(threads: Int) throws {
        final class Shared: Sendable {
            let counts = Guarded((first: 0, second: 0))
            let start = Monitor(false)
        }
        let shared = Shared()
        let workers = try (0..<threads).map { index in
            try HostThread(name: "adder\(index)") {
                _ = shared.start.wait { $0 ? true : nil }
                for round in 0..<20_000 {
                    shared.counts.withLock { counts in
                        counts.first += 1
                        // Some hold it for long, so that others go to sleep.
                        if round % 1000 == 0 { _ = (0..<2000).reduce(counts.second, ^) }
                        counts.second += 1
                    }
                }
            }
        }
        shared.start.update { $0 = true }
        for worker in workers { worker.join() }
        let counts = shared.counts.withLock { $0 }
        #expect(counts.first == threads * 20_000 && counts.second == threads * 20_000)
    }

    @Test("A lock somebody holds is not had by who only tries, and is free afterwards")
    func tryLock() {
        let value = Guarded(1)
        value.withLock { _ in
            #expect(value.withLockIfAvailable { $0 } == nil)
        }
        #expect(value.withLockIfAvailable { $0 } == 1)
    }

    @Test("A body that throws lets go of the lock, and what it changed stays")
    func throwing() {
        let value = Guarded(1)
        #expect(throws: TestFailure.self) {
            try value.withLock { (value: inout Int) throws(TestFailure) in
                value = 2
                throw TestFailure("")
            }
        }
        #expect(value.withLock { $0 } == 2)
    }

    @Test("The value ends with its owner, and once")
    func end() {
        final class Witness: Sendable {}
        weak var witness: Witness?
        do {
            let value = Guarded(Witness())
            witness = value.withLock { $0 }
            #expect(witness != nil)
        }
        #expect(witness == nil)
    }

    @Test("A value of any alignment lies aligned")
    func alignment() {
        let value = Guarded(SIMD64<UInt64>(repeating: 7))
        let sum = value.withLock { value in
            value &+= 1
            return value.wrappedSum()
        }
        #expect(sum == 64 * 8)
    }
}

import MachineTesting
import Testing

@testable import Stages

private let second: UInt64 = 1_000_000_000

@Suite("Token bucket")
struct TokenBucketTests {
    static let rates: [UInt64] = [1, 7, 50, 99, 100, 1000, 3333, 1_000_000, 123_456_789, 10_000_000_000]
    static let sizes: [UInt64] = [1, 10, 512, 4096, 1 << 20]

    @Test(
        "The amount over a time is right to 5 %, also if the caller is up to 15 ms late", arguments: rates,
        sizes)
    func accuracy(rate: UInt64, size: UInt64) throws {
        // Else a burst alone is millions of requests.
        guard size >= rate / 100_000 else { return }
        for lateness in [0, 15_000_000] as [UInt64] {
            var random = SeededGenerator(seed: rate ^ size)
            var bucket = TokenBucket(rate: rate, at: 0)
            var now: UInt64 = 0
            while bucket.take(size, at: now) == .granted {}
            let start = now
            var granted: UInt64 = 0
            for _ in 0..<3000 {
                guard case .notBefore(let time) = bucket.take(size, at: now) else {
                    granted += size
                    continue
                }
                try #require(time > now)
                now = time + UInt64.random(in: 0...lateness, using: &random)
            }
            let expected = Double(now - start) / 1e9 * Double(rate)
            // One request more or less, and what a nanosecond brings.
            let slack = Double(size) + Double(rate) / 1e9 + Double(lateness > 0 ? bucket.burst : 0)
            #expect(abs(Double(granted) - expected) <= max(lateness > 0 ? expected * 0.05 : 0, slack))
            if lateness > 0 && expected > 20 * slack { #expect(Double(granted) >= expected * 0.95) }
        }
    }

    @Test("Ten operations each 10 ms stay ten, however often is asked between")
    func smallRefills() {
        for step in [1_000, 333_333, 1_000_000, 9_999_999] as [UInt64] {
            var bucket = TokenBucket(rate: 1000, burst: 10, at: 0)
            var granted = 0
            var now: UInt64 = 0
            while now <= second {
                while bucket.take(1, at: now) == .granted { granted += 1 }
                now += step
            }
            #expect((990...1011).contains(granted), "asked each \(step) ns")
        }
    }

    @Test("The time answered is exact: granted then, and not a nanosecond before")
    func exactTime() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let rate = UInt64.random(in: 1...1 << UInt64.random(in: 1...40, using: &random), using: &random)
            var now = UInt64.random(in: 0...1 << 50, using: &random)
            var bucket = TokenBucket(rate: rate, burst: UInt64.random(in: 0...1000, using: &random), at: now)
            for _ in 0..<20 {
                let amount = UInt64.random(in: 0...1 << 20, using: &random)
                if case .notBefore(let time) = bucket.take(amount, at: now) {
                    var before = bucket
                    #expect(before.take(1, at: time - 1) == .notBefore(time))
                    #expect(bucket.take(1, at: time) == .granted)
                    now = time
                } else {
                    now += UInt64.random(in: 0...second, using: &random)
                }
            }
        }
    }

    @Test("Any values are taken without a trap, and a rate of 0 grants its burst and then nothing")
    func hostile() {
        let values: [UInt64] = [0, 1, second, .max - 1, .max]
        for rate in values {
            for burst in values {
                for amount in values {
                    for time in values {
                        var bucket = TokenBucket(rate: rate, burst: burst, at: 0)
                        #expect(bucket.take(amount, at: time) == .granted)
                        for _ in 0..<4 { _ = bucket.take(amount, at: time) }
                        bucket.change(rate: amount, burst: time, at: time)
                        _ = bucket.take(.max, at: 0)
                        bucket.change(rate: 0, at: .max)
                        _ = bucket.take(.max, at: .max)
                        bucket.change(rate: .max, burst: .max, at: .max)
                        _ = bucket.take(1, at: .max)
                    }
                }
            }
        }
        var none = TokenBucket(rate: 0, burst: 2, at: 0)
        #expect(none.take(1, at: 0) == .granted && none.take(1, at: 0) == .granted)
        #expect(none.take(1, at: .max) == .never)
        none.change(rate: 10, at: .max)
        #expect(none.answer(at: .max) == .notBefore(.max))
    }

    @Test("A change of the rate lets nobody wait longer than before, and forgives no debt to a higher one")
    func change() {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<2000 {
            let old = UInt64.random(in: 1...1_000_000, using: &random)
            let new = UInt64.random(in: 1...1_000_000, using: &random)
            var bucket = TokenBucket(rate: old, burst: 1, at: 0)
            let amount = UInt64.random(in: 2...10_000_000, using: &random)
            _ = bucket.take(amount, at: 0)
            let now = UInt64.random(in: 0...1000, using: &random)
            guard case .notBefore(let before) = bucket.answer(at: now) else { continue }
            bucket.change(rate: new, at: now)
            guard case .notBefore(let after) = bucket.answer(at: now) else {
                Issue.record("the debt is forgiven")
                continue
            }
            #expect(after <= before)
            if new > old {
                let repaid = Double(after) / 1e9 * Double(new)
                #expect(abs(repaid - Double(amount - 1)) <= 1 + Double(amount) / 1000)
            }
        }
        var full = TokenBucket(rate: 1000, burst: 1000, at: 0)
        full.change(rate: 10, burst: 5, at: 0)
        for _ in 0..<5 { #expect(full.take(1, at: 0) == .granted) }
        #expect(full.take(1, at: 0) == .notBefore(1))
    }

    @Test("Of two limits both hold, and a request that one delays takes nothing from the other")
    func both() {
        var limiter = RateLimiter(
            bytes: TokenBucket(rate: 1000, burst: 1000, at: 0),
            operations: TokenBucket(rate: 10, burst: 2, at: 0))
        #expect(limiter.take(bytes: 1, at: 0) == .granted)
        #expect(limiter.take(bytes: 1, at: 0) == .granted)
        #expect(limiter.take(bytes: 1, at: 0) == .notBefore(1))
        #expect(limiter.take(bytes: 2998, at: 1) == .granted)
        // 2 s of bytes, 0.1 s of operations: the later counts.
        guard case .notBefore(let time) = limiter.take(bytes: 1, at: 1) else {
            Issue.record("granted in debt")
            return
        }
        #expect((2 * second - 10...2 * second + 10).contains(time))
        limiter.change(bytesPerSecond: nil, operationsPerSecond: 10, at: 1)
        #expect(limiter.take(bytes: .max, at: second) == .granted)
        limiter.change(bytesPerSecond: nil, operationsPerSecond: nil, at: second)
        #expect(!limiter.isLimiting)
        for _ in 0..<1000 { #expect(limiter.take(bytes: .max, operations: .max, at: 0) == .granted) }
        limiter.change(bytesPerSecond: 0, operationsPerSecond: 5, at: second)
        #expect(limiter.bytesPerSecond == 0 && limiter.operationsPerSecond == 5)
        _ = limiter.take(bytes: 100, at: second)
        #expect(limiter.take(bytes: 1, at: second) == .never)
    }
}

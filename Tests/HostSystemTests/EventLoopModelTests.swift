import Foundation
import MachineTesting
import Synchronization
import Testing

@testable import HostSystem

/// What the loop must do with one event descriptor, in a few lines.
private struct Model {
    var count = 0
    var registration: EventRegistration?
    var interest: EventInterest = []
    /// Something has happened since the kernel last looked: only then is an edge told.
    var isFresh = false
    var isSignalled = false
    var isToRunAgain = false

    mutating func round() -> EventInterest? {
        guard registration != nil else { return nil }
        let isReady = interest.contains(.readable) && count > 0
        let isTold = isReady && (!interest.contains(.edgeTriggered) || isFresh)
        defer { (isFresh, isSignalled, isToRunAgain) = (false, false, false) }
        if isTold { return .readable }
        return isSignalled || isToRunAgain ? [] : nil
    }
}

@Suite("Event loop against its model")
struct EventLoopModelTests {
    @Test(
        "Whatever is signalled, drained, watched and unwatched, the right handlers are called",
        arguments: 0..<20)
    func random(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let loop = try EventLoop()
        // More than one wait returns.
        let size = seed % 2 == 0 ? 5 : 100
        let called = Mutex<[Int: EventInterest]>([:])
        final class Thing {
            let event: EventDescriptor
            var model = Model()
            init() throws { event = try EventDescriptor() }
        }
        let things = try (0..<size).map { _ in try Thing() }
        for _ in 0..<(seed % 2 == 0 ? 1500 : 300) {
            for _ in 0..<Int.random(in: 0...size, using: &random) {
                let index = Int.random(in: 0..<size, using: &random)
                let thing = things[index]
                let interest: EventInterest =
                    [.readable, [.readable, .edgeTriggered], []][Int.random(in: 0..<3, using: &random)]
                switch (Int.random(in: 0..<8, using: &random), thing.model.registration) {
                case (0..<3, _):
                    thing.event.signal()
                    thing.model.count += 1
                    thing.model.isFresh = true
                case (3, _):
                    #expect(thing.event.drain() == (thing.model.count > 0))
                    thing.model.count = 0
                case (4, nil):
                    thing.model.registration = try loop.watch(thing.event.descriptor.number, for: interest) {
                        why in
                        called.withLock { called in
                            #expect(called[index] == nil, "called twice in a round")
                            called[index] = why
                        }
                    }
                    thing.model.interest = interest
                    thing.model.isFresh = true
                case (4, let registration?):
                    loop.unwatch(registration)
                    thing.model = Model(count: thing.model.count)
                case (5, let registration?):
                    try loop.setInterest(interest, of: registration)
                    thing.model.interest = interest
                    thing.model.isFresh = true
                case (6, let registration?):
                    loop.signal(registration)
                    thing.model.isSignalled = true
                case (7, let registration?):
                    loop.runAgain(registration)
                    thing.model.isToRunAgain = true
                default: break
                }
            }
            // One wait tells of so many; what is left comes in the next.
            var told: [Int: EventInterest] = [:]
            for _ in 0..<(size / 64 + 1) {
                loop.stop()
                loop.run()
                called.withLock { called in
                    told.merge(called) { $0.union($1) }
                    called = [:]
                }
            }
            var expected: [Int: EventInterest] = [:]
            for (index, thing) in things.enumerated() { expected[index] = thing.model.round() }
            try #require(told == expected)
        }
        #expect(loop.calls > 0)
    }
}

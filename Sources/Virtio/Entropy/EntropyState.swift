internal import Glibc
internal import HostSystem
internal import Stages
public import Stats

/// All of an entropy device that its lock guards.
struct EntropyState: ~Copyable {
    /// What is asked of the source at once, and the most a chain gets.
    private static let chunk = 4096
    /// Chains of one wake-up at most.
    private static let batch = 64
    /// When a source that failed is tried again.
    private static let retry: UInt64 = 1_000_000_000

    var queue: VirtQueue?
    var limit: TokenBucket?
    var isPaused = false
    /// Whether the event loop tells when the source has something.
    var isWatched = false
    private let counters: EntropyCounters
    private(set) var givenBytes: UInt64 = 0
    private let source: EntropySource
    private var chain = DescriptorChain()
    private var bytes = [UInt8](repeating: 0, count: EntropyState.chunk)
    /// Said once, until the source works again.
    private var trouble: String?
    private var hasTold = false

    init(_ source: consuming EntropySource, _ limit: TokenBucket?, _ counters: EntropyCounters) {
        self.source = source
        self.counters = counters
        self.limit = limit
    }

    /// When to come again.
    enum Outcome {
        /// When the guest or the source has something.
        case done
        /// After so many nanoseconds.
        case after(UInt64)
    }

    /// Fills chains of the queue.
    ///
    /// - Throws: what the driver did; the queue is gone then.
    mutating func serve(now: UInt64) throws(QueueError) -> Outcome {
        guard !isPaused, var queue = queue.take() else { return .done }
        var outcome = Outcome.done
        repeat {
            queue.disableNotification()
            outcome = try fill(&queue, now)
            queue.signal()
            if case .after = outcome { break }
        } while try queue.enableNotification() && !isStarved
        self.queue = consume queue
        return outcome
    }

    /// The source had nothing, and will be heard of.
    private var isStarved = false

    private mutating func fill(_ queue: inout VirtQueue, _ now: UInt64) throws(QueueError) -> Outcome {
        isStarved = false
        for _ in 0..<Self.batch {
            guard try queue.hasAvailable() else { return .done }
            switch limit?.answer(at: now) {
            case .notBefore(let time):
                counters.limited.add()
                return .after(time - min(now, time))
            case .never:
                isStarved = true
                return .done
            case .granted, nil: break
            }
            guard try queue.pop(into: &chain) else { return .done }
            guard chain.writableBytes > 0 else {
                queue.push(chain.head, written: 0)
                continue
            }
            switch source.read(into: &bytes, limit: chain.writableBytes) {
            case .bytes(let count):
                give(count, &queue, now)
            case .nothingYet:
                queue.undoPop()
                isStarved = isWatched
                return isWatched ? .done : .after(Self.retry)
            case .failed(let number):
                queue.undoPop()
                fail(number)
                return .after(Self.retry)
            }
        }
        // The others' turn first.
        return .after(0)
    }

    private mutating func give(_ count: Int, _ queue: inout VirtQueue, _ now: UInt64) {
        queue.push(chain.head, written: Self.write(bytes, count, to: &chain))
        _ = limit?.take(UInt64(count), at: now)
        givenBytes += UInt64(count)
        counters.requests.add()
        counters.bytes.add(UInt64(count))
        hasTold = false
    }

    private static func write(_ bytes: [UInt8], _ count: Int, to chain: inout DescriptorChain) -> Int {
        // SAFETY: a UInt8 has no padding that could be uninitialised.
        unsafe chain.write(bytes.span.bytes.extracting(first: count))
    }

    private mutating func fail(_ number: Int32?) {
        counters.failures.add()
        guard !hasTold else { return }
        hasTold = true
        let reason = number.map { SystemError("read \(source.name)", number: $0).description }
        trouble = "\(reason ?? "\(source.name) has come to its end"); the guest waits for random bytes"
    }

    /// What to tell people, once.
    mutating func takeTrouble() -> String? { trouble.take() }
}

/// An entropy device's numbers on the stats page.
public struct EntropyShape: Sendable {
    /// The one there is.
    public static let usual = EntropyShape()

    /// All of them.
    public let shape: StatsShape
    /// Requests answered.
    public let requests: StatsSlot
    /// Bytes given.
    public let bytes: StatsSlot
    /// How often the limit made a request wait.
    public let limited: StatsSlot
    /// How often the source had an error, or was at its end.
    public let failures: StatsSlot

    private init() {
        var shape = StatsShape()
        requests = shape.counter("requests")
        bytes = shape.counter("bytes", .bytes)
        limited = shape.counter("limited")
        failures = shape.counter("source-failures")
        self.shape = shape
    }
}

/// Its cells, written with the device's lock held.
struct EntropyCounters: Sendable {
    let requests: StatsCell
    let bytes: StatsCell
    let limited: StatsCell
    let failures: StatsCell

    init(_ section: StatsSection) {
        let shape = EntropyShape.usual
        requests = section[shape.requests]
        bytes = section[shape.bytes]
        limited = section[shape.limited]
        failures = section[shape.failures]
    }
}

internal import Glibc
internal import HostSystem

/// What machines counted over a time, every few milliseconds.
struct ShareRecording {
    /// Seconds since the recording began, and each machine's count.
    private(set) var samples: [(time: Double, counts: [Double])] = []

    /// Each machine's part of the processor time that all used. One host CPU may be slower than another, which
    /// the counts tell and no clock does.
    var timeParts: [Double] { Self.parts(times.map { _ in 0 }, times) }
    /// The processor time that each machine used, in nanoseconds.
    private var times: [Double] = []

    private var duration = 0.0

    private static let interval: UInt32 = 20_000

    /// Records for some seconds.
    init(_ fleet: SpinFleet, seconds: Double) throws {
        let start = HostClock.monotonicNanoseconds()
        let before = try fleet.times()
        while true {
            let early = HostClock.monotonicNanoseconds()
            let counts = try fleet.counts()
            let late = HostClock.monotonicNanoseconds()
            // The middle of the reading: it takes some microseconds, or is interrupted.
            let time = Double((early + late) / 2 - start) / 1e9
            samples.append((time, counts))
            if time >= seconds {
                times = zip(before, try fleet.times()).map { $1 - $0 }
                duration = Double(HostClock.monotonicNanoseconds() - start)
                return
            }
            usleep(Self.interval)
        }
    }

    /// One after another: the time of the second goes on where this one's ends.
    mutating func append(_ next: ShareRecording) {
        let start = samples.last?.time ?? 0
        samples += next.samples.map { (start + $0.time, $0.counts) }
    }

    /// Each machine's part of what all counted.
    var parts: [Double] {
        guard let first = samples.first, let last = samples.last else { return [] }
        return Self.parts(first.counts, last.counts)
    }

    /// How many host CPUs' time each machine used.
    var usedProcessors: [Double] { times.map { $0 / max(duration, 1) } }

    /// Each machine's count a second.
    var rates: [Double] {
        guard let first = samples.first, let last = samples.last, last.time > first.time else { return [] }
        return zip(first.counts, last.counts).map { ($1 - $0) / (last.time - first.time) }
    }

    /// The parts in each window of a length, one beginning at every sample.
    func windows(_ length: Double) -> [(time: Double, parts: [Double])] {
        var result: [(Double, [Double])] = []
        var end = 0
        for (index, sample) in samples.enumerated() {
            while end < samples.count, samples[end].time < sample.time + length { end += 1 }
            guard end < samples.count, end > index else { break }
            result.append((sample.time, Self.parts(sample.counts, samples[end].counts)))
        }
        return result
    }

    /// How far, in hundredths of what it should have, the worst machine is from it.
    func worstError(_ expected: [Double]) -> Double { Self.error(parts, expected) }

    /// The same in the worst window of a length.
    func worstError(_ expected: [Double], inWindowsOf length: Double) -> Double {
        windows(length).map { Self.error($0.parts, expected) }.max() ?? .nan
    }

    static func error(_ parts: [Double], _ expected: [Double]) -> Double {
        let all = expected.reduce(0, +)
        return zip(parts, expected).map { abs($0 / ($1 / all) - 1) * 100 }.max() ?? .nan
    }

    private static func parts(_ from: [Double], _ to: [Double]) -> [Double] {
        let gained = zip(from, to).map { max($1 - $0, 0) }
        let all = gained.reduce(0, +)
        return gained.map { all > 0 ? $0 / all : 0 }
    }
}

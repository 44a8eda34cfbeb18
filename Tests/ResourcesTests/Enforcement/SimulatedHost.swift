import Resources

/// A host with a scheduler of its own: on each CPU the runnable thread that is furthest behind runs for one to
/// four milliseconds, and threads that move come with no debt, which favours them, as Linux does.
struct SimulatedHost {
    struct Thread {
        let vm: Int
        var place: Int?
        var processor: Int
        var virtualTime = 0.0
        var run: UInt64 = 0
        var ready: UInt64 = 0
        var unseenReady: UInt64 = 0
        var isWanting = true
    }

    /// The part of each CPU's time that others than VMs take.
    var othersPart: [Double]
    private(set) var threads: [Thread] = []
    private(set) var used: [UInt64] = []
    private(set) var now: UInt64 = 0
    private(set) var busyTime: UInt64 = 0
    var weights: [Double] = []
    private var random: SplitMix
    private var slices: [(thread: Int?, left: Int)]

    init(processors: Int, virtualCPUs: [Int], seed: UInt64) {
        othersPart = [Double](repeating: 0, count: processors)
        random = SplitMix(state: seed)
        slices = [(Int?, Int)](repeating: (nil, 0), count: processors)
        for (vm, count) in virtualCPUs.enumerated() {
            used.append(0)
            weights.append(1)
            for index in 0..<count {
                threads.append(Thread(vm: vm, place: nil, processor: (vm + index) % processors))
            }
        }
    }

    func threads(of vm: Int) -> [Thread] { threads.filter { $0.vm == vm } }

    mutating func setWanting(_ vm: Int, _ isWanting: Bool) {
        for index in threads.indices where threads[index].vm == vm { threads[index].isWanting = isWanting }
    }

    mutating func place(_ vm: Int, _ places: [Int?]) {
        let indices = threads.indices.filter { threads[$0].vm == vm }
        for (index, place) in zip(indices, places) {
            threads[index].place = place
            if let place, threads[index].processor != place { move(index, to: place) }
        }
    }

    /// Lets so many milliseconds pass.
    mutating func advance(_ milliseconds: Int) {
        for _ in 0..<milliseconds { step() }
    }

    private mutating func move(_ index: Int, to processor: Int) {
        threads[index].processor = processor
        let there = threads.indices.filter { $0 != index && threads[$0].processor == processor }
        threads[index].virtualTime = there.map { threads[$0].virtualTime }.min() ?? 0
        for cpu in slices.indices where slices[cpu].thread == index { slices[cpu] = (nil, 0) }
    }

    private mutating func step() {
        now += 1_000_000
        if now % 20_000_000 == 0 { balance() }
        for cpu in slices.indices {
            let runnable = threads.indices.filter { threads[$0].processor == cpu && threads[$0].isWanting }
            if random.part() < othersPart[cpu] {
                for waiting in runnable { threads[waiting].unseenReady += 1_000_000 }
                continue
            }
            var (current, left) = slices[cpu]
            if let current {
                threads[current].ready += threads[current].unseenReady
                threads[current].unseenReady = 0
            }
            if left <= 0 || current.map({ !runnable.contains($0) }) ?? true {
                current = runnable.min { threads[$0].virtualTime < threads[$1].virtualTime }
                left = 1 + Int(random.next() % 4)
                if let current {
                    threads[current].ready += threads[current].unseenReady
                    threads[current].unseenReady = 0
                }
            }
            slices[cpu] = (current, left - 1)
            guard let current else { continue }
            busyTime += 1_000_000
            threads[current].run += 1_000_000
            used[threads[current].vm] += 1_000_000
            threads[current].virtualTime += 1 / weight(of: current)
            for other in runnable where other != current { threads[other].unseenReady += 1_000_000 }
        }
    }

    /// A group's weight is divided among its runnable threads.
    private func weight(of index: Int) -> Double {
        let vm = threads[index].vm
        let count = threads.reduce(0) { $0 + ($1.vm == vm && $1.isWanting ? 1 : 0) }
        return weights[vm] / Double(max(count, 1))
    }

    /// The kernel's own balancing: by number, of those that may move.
    private mutating func balance() {
        var counts = [Int](repeating: 0, count: slices.count)
        for thread in threads where thread.isWanting { counts[thread.processor] += 1 }
        for index in threads.indices where threads[index].isWanting && threads[index].place == nil {
            let here = threads[index].processor
            let best = counts.indices.min { counts[$0] < counts[$1] } ?? 0
            if counts[here] > counts[best] + 1 {
                move(index, to: best)
                counts[here] -= 1
                counts[best] += 1
            }
        }
    }
}

/// SplitMix64.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
    mutating func part() -> Double { Double(next() >> 11) / Double(1 << 53) }
}

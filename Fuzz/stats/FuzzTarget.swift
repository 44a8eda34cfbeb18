// Any bytes as a stats page and as KVM's statistics: they are refused, or nothing outside them is read and
// no more comes out than went in.

import Stats

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    checkPage(input)
    if let statistics = KVMStatistics(input) {
        precondition(statistics.values.reduce(0) { $0 + $1.cells.count } <= count / 8)
    }
    return 0
}

private func checkPage(_ input: [UInt8]) {
    do {
        let snapshot = try StatsSnapshot(page: input)
        var cells = 0
        for section in snapshot.sections {
            for value in section.values {
                cells += value.cells.count
                precondition(!value.name.isEmpty && !value.cells.isEmpty)
                precondition(value.kind == .histogram || value.buckets.isEmpty)
            }
        }
        precondition(cells <= input.count / 8)
    } catch {
        precondition(!error.description.isEmpty)
    }
}

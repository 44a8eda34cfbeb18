// Any bytes as a journal of decisions: each line is refused with a message, or is the one text of its record;
// what is read can be replayed.

import Resources

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var replay = Replay()
    for bytes in input.split(separator: UInt8(ascii: "\n")) {
        let line = String(decoding: bytes, as: UTF8.self)
        do {
            let record = try JournalRecord(line: line)
            precondition(record.line == line, "not the same again: \(record.line)")
            take(record, &replay)
        } catch {
            precondition(!error.description.isEmpty && error.description.utf8.allSatisfy { $0 >= 0x20 })
        }
    }
    return 0
}

/// A journal that does not fit together is refused; a policy that was reached gives out what there is.
private func take(_ record: JournalRecord, _ replay: inout Replay) {
    do {
        try replay.take(record)
    } catch {
        precondition(!error.description.isEmpty)
    }
    guard let policy = replay.policy else { return }
    let worst = policy.entitlementsAtWorst
    var sum: Int64 = 0
    for vm in policy.tree.virtualMachines {
        let part = worst[vm.name] ?? .zero
        precondition(part <= vm.settings.ceiling)
        sum += part.microCPUs
        precondition(policy.explain(vm.name)?.sentences.isEmpty == false)
    }
    precondition(sum <= policy.capacity.microCPUs)
}

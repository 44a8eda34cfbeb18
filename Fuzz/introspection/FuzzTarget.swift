// A stock guest's memory with changes in it: every view of it comes to an end, and none traps.
//
// Each change takes 15 bytes of the input; what is left of it, if anything, is a seed for one more change of every page
// that is read. ROOST_DUMP names the folder of the dump.

import Foundation
import GuestMemory
import Introspection

// SAFETY: libFuzzer calls from one thread.
private nonisolated(unsafe) let guest: HostileGuest = {
    do {
        let path = ProcessInfo.processInfo.environment["ROOST_DUMP"] ?? ".build/lab/dumps"
        guard
            let core = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
                .first(where: { $0.hasSuffix("guest.core") })
        else { fatalError("no dump is in \(path): scripts/test.d/dumps makes one") }
        // What was done is told at the end, however that comes about.
        atexit { unsafe tellSummary() }
        // The search needs no registers, and stacks are read of what sleeps.
        return try HostileGuest(try DumpFile(path: "\(path)/\(core)"), registers: [])
    } catch {
        fatalError("the dump: \(error)")
    }
}()

/// Called from the same thread.
private func tellSummary() {
    unsafe FileHandle.standardError.write(Data("introspection: \(guest.summary)\n".utf8))
}

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var changes: [HostileGuest.Change] = []
    for place in stride(from: 0, to: count - 14, by: 15) {
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(input[place + offset + $1]) << UInt64(8 * $1) }
        }
        changes.append(
            HostileGuest.Change(
                page: UInt32(number(0, 4)), offset: UInt16(number(4, 2)), kind: input[place + 6],
                argument: number(7, 8)))
    }
    if count % 15 != 0 {
        var random = Generator(state: input[(count / 15 * 15)...].reduce(0) { $0 &* 257 &+ UInt64($1) })
        // SAFETY: as above.
        changes = unsafe guest.changesOfAllPages(&random) + changes
    }
    // SAFETY: as above.
    unsafe guest.read(changes)
    return 0
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same numbers from the same input.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

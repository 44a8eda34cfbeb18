// A stock guest's memory with changes in it: every view of it comes to an end, and none traps.
//
// Each change takes 15 bytes of the input. ROOST_DUMP names the folder of the dump.

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
        // The search needs no registers, and stacks are read of what sleeps.
        return try HostileGuest(try DumpFile(path: "\(path)/\(core)"), registers: [])
    } catch {
        fatalError("the dump: \(error)")
    }
}()

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
    // SAFETY: as above.
    unsafe guest.read(changes)
    return 0
}

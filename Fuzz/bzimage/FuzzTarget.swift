// Any bytes behind a bzImage's magic number: they are refused, or make a plan that breaks no rule.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe UnsafeBufferPointer(start: start, count: count)
    var bytes = unsafe Array(input)
    // Without it an input is no bzImage at all, and nothing is learnt.
    let magic: [UInt8] = [0x48, 0x64, 0x72, 0x53]
    if bytes.count >= 0x206 {
        bytes.replaceSubrange(0x202..<0x206, with: magic)
    }
    // One request for each input: the tests replay inputs with all.
    let variant = bytes.reduce(0) { $0 &+ Int($1) } % requestVariants
    let broken = violations(booting: bytes, variant: variant)
    precondition(broken.isEmpty, broken.joined(separator: "; "))
    return 0
}

// Any bytes as an ELF kernel: they are refused, or make a plan that breaks no rule.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe UnsafeBufferPointer(start: start, count: count)
    let bytes = unsafe Array(input)
    // One request for each input: the tests replay inputs with all.
    let variant = bytes.reduce(0) { $0 &+ Int($1) } % requestVariants
    let broken = violations(booting: bytes, variant: variant)
    precondition(broken.isEmpty, broken.joined(separator: "; "))
    return 0
}

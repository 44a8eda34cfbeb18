// Any bytes as a specification: they are refused with a message, or make one that comes back equal.

import JSONText
import Specification

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes from `start` for the length of the call; they are copied.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    checkText(input)
    checkSpec(input)
    return 0
}

/// JSON that is read must come back equal from what is written.
private func checkText(_ input: [UInt8]) {
    do {
        let value = try JSONValue(text: input)
        for layout in [JSONValue.Layout.compact, .pretty] {
            let text = value.text(layout)
            let again = try? JSONValue(text: text, sizeLimit: .max)
            precondition(again == value, "not the same again: \(text)")
        }
    } catch {
        precondition(!error.description.isEmpty && error.position.line > 0 && error.position.column > 0)
    }
}

/// A specification that is read is valid and comes back equal.
private func checkSpec(_ input: [UInt8]) {
    do {
        let spec = try MachineSpec(jsonText: input)
        let text = spec.jsonText()
        let again = try? MachineSpec(jsonText: text)
        precondition(again == spec && again?.jsonText() == text, "not the same again: \(text)")
        try spec.validate()
    } catch {
        precondition(!error.description.isEmpty && error.description.utf8.allSatisfy { $0 >= 0x20 })
    }
}

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
    checkOptions(input)
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

/// A device option that is read makes a device that a specification takes.
private func checkOptions(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    for option in DeviceOption.allCases {
        do {
            let json = try option.json(text)
            let value: JSONValue = option.repeats ? .array([json]) : json
            let spec = try MachineSpec(
                json: .object([
                    JSONMember("version", 1), JSONMember("name", "a"), JSONMember("kernel", "k"),
                    JSONMember("memory", "1T"), JSONMember(option.field, value),
                ]))
            let again = try? MachineSpec(jsonText: spec.jsonText())
            precondition(again == spec && spec.virtioDevices.count == 1)
        } catch let error as DeviceOption.Mistake {
            precondition(!error.description.isEmpty)
        } catch {
            // A balloon may be greater than any guest's memory; nothing else is left to refuse.
            precondition(option == .balloon, "\(option.flag) \(text): \(error)")
        }
    }
}

import Foundation
import JSONText
import Specification
import Testing

@Suite("Inputs the fuzzer found or begins with")
struct RegressionTests {
    private static var inputs: [URL] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/regressions/spec")
        return (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil))
            ?? []
    }

    @Test("There are some")
    func some() {
        #expect(!Self.inputs.isEmpty)
    }

    @Test("Each is refused with a message or comes back equal", arguments: inputs)
    func replay(input: URL) throws {
        let text = [UInt8](try Data(contentsOf: input))
        do {
            let spec = try MachineSpec(jsonText: text)
            #expect(try MachineSpec(jsonText: spec.jsonText()) == spec)
        } catch {
            #expect(!error.description.isEmpty)
        }
        for option in DeviceOption.allCases {
            do {
                let json = try option.json(String(decoding: text, as: UTF8.self))
                #expect(json.kind == "an object")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        if let value = try? JSONValue(text: text) {
            #expect(try JSONValue(text: value.text()) == value)
        }
    }
}

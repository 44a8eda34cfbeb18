import JSONText
import Testing

@Suite("JSON that is written")
struct WriterTests {
    private let sample: JSONValue = [
        "b": [1, 2, ["c": .null]], "a": "line\nquote\"\\\u{1B}[0m\u{85}é", "empty": [], "none": [:],
        "number": .number(0.1), "big": .unsigned(.max), "yes": true,
    ]

    @Test("Compact text has no white space and keeps the order of keys")
    func compact() {
        #expect(
            sample.text()
                == #"{"b":[1,2,{"c":null}],"a":"line\nquote\"\\\u001b[0m\u0085é","empty":[],"none":{},"#
                + #""number":0.1,"big":18446744073709551615,"yes":true}"#)
    }

    @Test("Pretty text has one member a line")
    func pretty() {
        #expect(
            sample.text(.pretty) == """
                {
                  "b": [
                    1,
                    2,
                    {
                      "c": null
                    }
                  ],
                  "a": "line\\nquote\\"\\\\\\u001b[0m\\u0085é",
                  "empty": [],
                  "none": {},
                  "number": 0.1,
                  "big": 18446744073709551615,
                  "yes": true
                }
                """)
    }

    @Test("What JSON has no word for becomes null", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(number: Double) {
        #expect(JSONValue.number(number).text() == "null")
    }

    @Test("A thousand random values come back equal, in both layouts", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var random = Random(state: seed)
        for _ in 0..<1000 {
            let value = random.value(depth: 4)
            for layout in [JSONValue.Layout.compact, .pretty] {
                let text = value.text(layout)
                let again = try JSONValue(text: text)
                #expect(again == value)
                #expect(again.text(layout) == text)
            }
        }
    }

    @Test("Random damage to a text is an error or a value, never a trap", arguments: [4, 5] as [UInt64])
    func damage(seed: UInt64) {
        var random = Random(state: seed)
        for _ in 0..<3000 {
            var bytes = Array(random.value(depth: 3).text(.pretty).utf8)
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1 where bytes.count > 1: bytes.remove(at: index)
                default: bytes.insert(bytes[bytes.count / 2], at: index)
                }
            }
            if let value = try? JSONValue(text: bytes) {
                #expect((try? JSONValue(text: value.text())) == value)
            }
        }
    }
}

/// The same values for the same seed (SplitMix64).
struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return .null
        case 1: return .boolean(Bool.random(using: &self))
        case 2: return JSONValue(Int64.random(in: .min ... .max, using: &self))
        case 3: return JSONValue(UInt64.random(in: .min ... .max, using: &self))
        case 4:
            let number = Double(bitPattern: next())
            return .number(number.isFinite ? number : 0.5)
        case 5: return .string(string())
        case 6: return .array((0..<Int.random(in: 0..<5, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            let count = Int.random(in: 0..<5, using: &self)
            return .object((0..<count).map { JSONMember("\($0)\(string())", value(depth: depth - 1)) })
        }
    }

    private mutating func string() -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<8, using: &self) {
            let range: ClosedRange<UInt32> = Bool.random(using: &self) ? 0...0xFF : 0...0x10FFFF
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &self)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

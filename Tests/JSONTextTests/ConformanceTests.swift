import JSONText
import Testing

@Suite("JSON that is read and JSON that is refused")
struct ConformanceTests {
    @Test(
        "A valid text gives the value it says",
        arguments: [
            ("null", .null), (" true ", true), ("false\n", false), ("0", 0), ("-0", 0), ("-1", -1),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .number(0x1p64)), ("-9223372036854775809", .number(-0x1p63)),
            ("1.5", .number(1.5)), ("1e3", .number(1000)), ("1E+3", .number(1000)),
            ("-2.5e-1", .number(-0.25)),
            ("0.0", .number(0)), ("1.0", .number(1)), ("1e-400", .number(0)),
            (#""""#, ""), (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{C}\n\r\tz"),
            (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\uD83D\uDC26""#, "🐦"), (#""\u0000""#, "\0"),
            ("\"é€🐦\u{7F}\"", "é€🐦\u{7F}"),
            ("[]", []), ("[ ]", []), ("[1,[2],{}]", [1, [2], [:]]), ("{}", [:]),
            (#"{"a":1,"b":{"a":2}}"#, ["a": 1, "b": ["a": 2]]), (#"{"":""}"#, ["": ""]),
            ("\t\r\n [\n1\t,\r2 ]", [1, 2]),
        ] as [(String, JSONValue)])
    func valid(text: String, value: JSONValue) throws {
        #expect(try JSONValue(text: text) == value)
    }

    @Test(
        "An invalid text is refused with its place and what was expected",
        arguments: [
            ("", "1:1: expected a value, found the end of the text"),
            (" \n ", "2:2: expected a value, found the end of the text"),
            ("\u{FEFF}1", "1:1: expected a value, found the byte 0xef"),
            ("nul", "1:1: expected a value, found 'n'"), ("True", "1:1: expected a value, found 'T'"),
            ("1 2", "1:3: expected the end of the text, found '2'"),
            ("01", "1:2: expected the end of the text, found '1'"),
            ("-", "1:2: expected a digit, found the end of the text"),
            ("+1", "1:1: expected a value, found '+'"),
            (".5", "1:1: expected a value, found '.'"),
            ("1.", "1:3: expected a digit, found the end of the text"),
            ("1e", "1:3: expected a digit, found the end of the text"),
            ("1e+-1", "1:4: expected a digit, found '-'"),
            ("0x10", "1:2: expected the end of the text, found 'x'"),
            ("1e400", "1:1: the number is too large"), ("NaN", "1:1: expected a value, found 'N'"),
            ("[1,]", "1:4: expected a value, found ']'"), ("[1 2]", "1:4: expected ',' or ']', found '2'"),
            ("[", "1:2: expected a value, found the end of the text"),
            ("]", "1:1: expected a value, found ']'"),
            ("{", "1:2: expected a key in quotes or '}', found the end of the text"),
            ("{a:1}", "1:2: expected a key in quotes or '}', found 'a'"),
            (#"{"a" 1}"#, "1:6: expected ':' after the key, found '1'"),
            (#"{"a":1,}"#, "1:8: expected a key in quotes, found '}'"),
            (#"{"a":1;}"#, "1:7: expected ',' or '}', found ';'"),
            ("{\"a\":1,\n \"a\":2}", "2:2: the key \"a\" is given twice"),
            ("\"abc", "1:5: expected '\"' to end the string that begins at 1:1, found the end of the text"),
            ("\"a\nb\"", "1:3: expected a control character to be written as an escape, found the byte 0x0a"),
            (#""\x""#, "1:3: expected one of \" \\ / b f n r t u after the backslash, found 'x'"),
            (#""\u12g4""#, "1:6: expected four hexadecimal digits after \\u, found 'g'"),
            (#""\uD83D""#, "1:8: expected a trailing surrogate (\\uDC00 to \\uDFFF), found '\"'"),
            ("/* */1", "1:1: expected a value, found '/'"), ("'a'", "1:1: expected a value, found '''"),
            ("\"é🐦\" x", "1:6: expected the end of the text, found 'x'"),
        ])
    func invalid(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(text: text) }
        #expect(error?.description == message)
    }

    @Test(
        "A surrogate without its pair is refused",
        arguments: [#""\uDC26""#, #""\uD83D\u0041""#, #""\uD83Dx""#])
    func surrogates(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(text: text) }
    }

    @Test(
        "A string that is not UTF-8 is refused",
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xFF],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        let text =
            [UInt8(ascii: "[")] + [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")] + [UInt8(ascii: "]")]
        let error = #expect(throws: JSONError.self) { try JSONValue(text: text) }
        #expect(error == JSONError(.invalidUTF8, at: TextPosition(line: 1, column: 2)))
    }

    @Test("Nesting is read to the limit and refused beyond it", arguments: [("[", "]"), ("{\"a\":", "}")])
    func depth(opening: String, closing: String) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)
        }
        _ = try JSONValue(text: nested(JSONValue.depthLimit))
        for depth in [JSONValue.depthLimit + 1, 100_000] {
            let error = #expect(throws: JSONError.self) { try JSONValue(text: nested(depth)) }
            #expect(error?.problem == .tooDeep(limit: 64))
        }
        let error = #expect(throws: JSONError.self) {
            try JSONValue(text: String(repeating: opening, count: 100_000))
        }
        #expect(error?.problem == .tooDeep(limit: 64))
    }

    @Test("A text longer than the limit is refused before it is looked at")
    func size() throws {
        #expect(try JSONValue(text: "12345", sizeLimit: 5) == 12345)
        let error = #expect(throws: JSONError.self) { try JSONValue(text: "12345 ", sizeLimit: 5) }
        #expect(error?.description == "1:1: the text has 6 bytes, at most 5 are read")
    }

    @Test("Keys that only look alike are two keys")
    func canonicalEquivalence() throws {
        let value = try JSONValue(text: #"{"\u00e9":1,"e\u0301":2}"#)
        guard case .object(let members) = value else {
            Issue.record("not an object")
            return
        }
        #expect(members.count == 2)
    }

    @Test("A member knows where its key stood, in scalars")
    func positions() throws {
        guard case .object(let members) = try JSONValue(text: "{ \"é\": 1, \"b\":\n  2,\n\n \"c\": 3}") else {
            Issue.record("not an object")
            return
        }
        #expect(members.map { $0.position?.description } == ["1:3", "1:11", "4:2"])
    }
}

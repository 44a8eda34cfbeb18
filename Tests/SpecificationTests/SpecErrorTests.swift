import JSONText
import Specification
import Testing

@Suite("What is said of a wrong specification")
struct SpecErrorTests {
    @Test(
        "The message names the place, the field, its value and what is allowed",
        arguments: [
            ("", "1:1: expected a value, found the end of the text"),
            ("[]", "expected an object, found an array"),
            ("{}", "version is missing"),
            (#"{"version":2,"disks":[]}"#, "1:2: version is 2; this Roost reads version 1"),
            (#"{"version":"1"}"#, #"1:2: version is "1"; this Roost reads version 1"#),
            (#"{"version":1}"#, "name is missing"),
            (#"{"version":1,"name":"a"}"#, "kernel is missing"),
        ])
    func whole(text: String, message: String) {
        expect(text, message)
    }

    @Test(
        "A wrong field among right ones is found",
        arguments: [
            (#""cpu":1"#, #"3:2: unknown field "cpu"; did you mean "cpus"?"#),
            (#""Memory":"1G""#, #"3:2: unknown field "Memory"; did you mean "memory"?"#),
            (#""comandLine":"""#, #"3:2: unknown field "comandLine"; did you mean "commandLine"?"#),
            (#""boot-protocol":"pvh""#, #"3:2: unknown field "boot-protocol"; did you mean "bootProtocol"?"#),
            (#""floppies":[]"#, #"3:2: unknown field "floppies""#),
            (#""\u001b[31m":1"#, #"3:2: unknown field "\u001b[31m""#),
            (#""cpus":0"#, "3:2: cpus is 0; allowed: a whole number from 1 to 255"),
            (#""cpus":256"#, "3:2: cpus is 256; allowed: a whole number from 1 to 255"),
            (
                #""cpus":18446744073709551615"#,
                "3:2: cpus is 18446744073709551615; allowed: a whole number from 1 to 255"
            ),
            (#""cpus":"2""#, "3:2: cpus is a string; allowed: a whole number from 1 to 255"),
            (
                #""cpus":2.0"#,
                "3:2: cpus is a number with a fraction or an exponent; allowed: a whole number from 1 to 255"
            ),
            (#""cpus":null"#, "3:2: cpus is null; allowed: a whole number from 1 to 255"),
            (#""memory":0"#, #"3:2: memory is "0"; allowed: 1M to 1T in steps of 4K"#),
            (#""memory":-1"#, "3:2: memory is -1; allowed: 1M to 1T in steps of 4K"),
            (#""memory":"1023K""#, #"3:2: memory is "1023K"; allowed: 1M to 1T in steps of 4K"#),
            (#""memory":1048577"#, #"3:2: memory is "1048577"; allowed: 1M to 1T in steps of 4K"#),
            (#""memory":"1028G""#, #"3:2: memory is "1028G"; allowed: 1M to 1T in steps of 4K"#),
            (
                #""memory":"1.5G""#,
                #"3:2: memory is "1.5G"; allowed: digits and K, M, G or T, such as 256M or 1G"#
            ),
            (
                #""memory":true"#,
                "3:2: memory is a boolean; allowed: digits and K, M, G or T, such as 256M or 1G"
            ),
            (#""hugePages":1"#, "3:2: hugePages is a whole number; allowed: true or false"),
            (#""initrd":[]"#, "3:2: initrd is an array; allowed: a string"),
            (#""initrd":"""#, #"3:2: initrd is ""; allowed: a path of 1 to 4095 bytes, none of them zero"#),
            (
                #""commandLine":"a\u0000""#,
                #"3:2: commandLine is "a\u0000"; allowed: text without a zero byte"#
            ),
            (#""console":"tty""#, #"3:2: console is "tty"; allowed: stdio, none, file=PATH, pty or socket"#),
            (
                #""console":"file=""#,
                #"3:2: console is "file="; allowed: stdio, none, file=PATH, pty or socket"#
            ),
            (#""escapeKey":"^]""#, #"3:2: escapeKey is "^]"; allowed: ctrl-a to ctrl-z or none"#),
            (#""bootProtocol":"bios""#, #"3:2: bootProtocol is "bios"; allowed: automatic, pvh or linux64"#),
            (
                #""logLevel":"loud""#,
                #"3:2: logLevel is "loud"; allowed: error, warning, info, debug or trace"#
            ),
            (
                #""graceSeconds":-1"#,
                "3:2: graceSeconds is -1; allowed: a whole number from 0 to 3600"
            ),
            (#""runDirectory":{}"#, "3:2: runDirectory is an object; allowed: a string"),
            (#""name":"b""#, #"3:2: the key "name" is given twice"#),
        ])
    func field(member: String, message: String) {
        expect("{\"version\":1,\n \"name\": \"a\", \"kernel\": \"k\",\n \(member)}", message)
    }

    @Test("A name that is not allowed is told with the rule")
    func name() {
        expect(
            #"{"version":1,"kernel":"k","name":"../etc"}"#,
            #"1:27: name is "../etc"; allowed: 1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -, and not "#
                + "beginning with roostd.")
        expect(
            #"{"version":1,"kernel":"k","name":"roostd.sock"}"#,
            #"1:27: name is "roostd.sock"; allowed: 1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -, and not "#
                + "beginning with roostd.")
    }

    @Test("A long value is cut")
    func long() {
        let value = String(repeating: "x", count: 10_000)
        expect(
            "{\"version\":1,\"kernel\":\"k\",\"name\":\"\(value)\"}",
            "1:27: name is \"\(value.prefix(59))… (10002 bytes); allowed: \(MachineSpec.nameForm)")
    }

    @Test("A value that was made, not read, has no place")
    func validate() throws {
        var spec = MachineSpec(name: "a", kernel: "k")
        try spec.validate()
        spec.cpus = 0
        let error = #expect(throws: SpecError.self) { try spec.validate() }
        #expect(error?.description == "cpus is 0; allowed: a whole number from 1 to 255")
    }

    private func expect(_ text: String, _ message: String, _ location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: SpecError.self, sourceLocation: location) {
            try MachineSpec(jsonText: text)
        }
        #expect(error?.description == message, sourceLocation: location)
    }
}

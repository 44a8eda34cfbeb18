import Specification
import Testing

@Suite("Sizes in bytes")
struct ByteSizeTests {
    @Test(
        "Digits and a unit are read",
        arguments: [
            ("0", 0), ("1", 1), ("4096", 4096), ("4096K", 4 << 20), ("4096k", 4 << 20), ("256M", 256 << 20),
            ("256m", 256 << 20), ("1G", 1 << 30), ("1g", 1 << 30), ("2T", 2 << 40), ("2t", 2 << 40),
            ("007K", 7 << 10), ("0T", 0), ("18446744073709551615", .max), ("16777215T", 16_777_215 << 40),
        ] as [(String, UInt64)])
    func reads(text: String, bytes: UInt64) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "K", "M1", "1.5G", "-1", "+1", "-1K", "1 M", " 1M", "1M ", "1MB", "1MiB", "1MM", "0x10", "1P",
            "١M",
            "1\u{212A}", "18446744073709551616", "16777216T", "99999999999999999999999T", "1\r\n", "1ß",
            "1_000", "１",
        ])
    func refuses(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test(
        "The shortest exact text is written",
        arguments: [
            (0, "0"), (1, "1"), (1023, "1023"), (1024, "1K"), (1536 << 20, "1536M"), (1 << 30, "1G"),
            (1 << 40, "1T"), (1 << 50, "1024T"), ((1 << 30) + 4096, "1048580K"),
            (.max, "18446744073709551615"),
        ] as [(UInt64, String)])
    func writes(bytes: UInt64, text: String) {
        #expect(ByteSize(bytes: bytes).description == text)
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test("Every size comes back from its text")
    func roundTrip() {
        for _ in 0..<2000 {
            let size = ByteSize(bytes: UInt64.random(in: .min ... .max) << UInt64.random(in: 0..<64))
            #expect(ByteSize(size.description) == size)
        }
    }
}

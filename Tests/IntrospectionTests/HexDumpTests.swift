import Introspection
import Testing

@Suite("Hexadecimal dumps") struct HexDumpTests {
    @Test("As hexdump -C: columns, dots, a short last line") func lines() {
        let bytes: [UInt8] = Array("Roost\u{1}\u{7F}".utf8) + [0xFF, 0x7E] + Array("0123456789".utf8)
        #expect(
            HexDump(address: 0x10, bytes: bytes).lines == [
                "00000010  52 6f 6f 73 74 01 7f ff  7e 30 31 32 33 34 35 36  |Roost...~0123456|",
                "00000020  37 38 39                                          |789|",
                "00000023",
            ])
    }

    @Test("Lines like the one before become one star") func stars() {
        let zeros = [UInt8](repeating: 0, count: 16)
        let zeroLine = "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|"
        #expect(
            HexDump(address: 0, bytes: zeros + zeros + zeros + [0, 1]).lines == [
                "00000000  " + zeroLine, "*",
                "00000030  00 01                                             |..|", "00000032",
            ])
        #expect(
            HexDump(address: 0, bytes: zeros + zeros).lines == ["00000000  " + zeroLine, "*", "00000020"])
    }

    @Test("Kernel addresses take sixteen digits, and no bytes no line") func wide() {
        #expect(
            HexDump(address: 0xFFFF_8880_0000_0000, bytes: [0x41]).lines == [
                "ffff888000000000  41                                                |A|", "ffff888000000001",
            ])
        #expect(HexDump(address: .max, bytes: [0]).lines.last == "0000000000000000")
        #expect(HexDump(address: 5, bytes: []).lines.isEmpty)
    }
}

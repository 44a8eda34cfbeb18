import Introspection
import Testing

@Suite("Internet addresses") struct InternetAddressTests {
    private static func version6(_ groups: [UInt16]) -> String {
        InternetAddress(groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }).description
    }

    @Test("The text of RFC 5952") func text() {
        #expect(InternetAddress([192, 0, 2, 1]).description == "192.0.2.1")
        #expect(Self.version6([0, 0, 0, 0, 0, 0, 0, 0]) == "::")
        #expect(Self.version6([0, 0, 0, 0, 0, 0, 0, 1]) == "::1")
        #expect(Self.version6([0x2001, 0xDB8, 0, 0, 1, 0, 0, 1]) == "2001:db8::1:0:0:1")
        #expect(Self.version6([0x2001, 0xDB8, 0, 1, 1, 1, 1, 1]) == "2001:db8:0:1:1:1:1:1")
        #expect(Self.version6([0xFE80, 0, 0, 0, 0, 0, 0, 0]) == "fe80::")
        #expect(Self.version6([1, 0, 0, 2, 0, 0, 0, 3]) == "1:0:0:2::3")
        #expect(Self.version6([0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201]) == "::ffff:192.0.2.1")
    }

    @Test("What has neither length is the unspecified address") func length() {
        #expect(InternetAddress([1, 2, 3]).description == "::")
    }
}

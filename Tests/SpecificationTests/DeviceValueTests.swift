import Specification
import Testing

@Suite("Values of virtio devices")
struct DeviceValueTests {
    @Test(
        "An address of a network card is six pairs of digits",
        arguments: [
            ("02:00:5e:10:00:01", true), ("FF:ff:00:00:00:00", true), ("00:00:00:00:00:00", true),
            ("", false), ("02:00:5e:10:00", false), ("02:00:5e:10:00:01:02", false),
            ("2:00:5e:10:00:01", false), ("02-00-5e-10-00-01", false), ("02:00:5e:10:00:0g", false),
            ("02:00:5e:10:00:+1", false), ("02:00:5e:10:00:001", false), (":02:00:5e:10:00:01", false),
        ])
    func macAddresses(text: String, isOne: Bool) {
        #expect(MACAddress(text)?.description == (isOne ? text.lowercased() : nil))
    }

    @Test("A card may have any address but a group's and zero")
    func unicast() {
        #expect(MACAddress(value: 0x0200_0000_0001).isUnicast)
        #expect(!MACAddress(value: 0x0100_5E00_0001).isUnicast)
        #expect(!MACAddress(value: .max).isUnicast && !MACAddress(value: 0).isUnicast)
        #expect(MACAddress(value: 0x0102_0304_0506).bytes == [1, 2, 3, 4, 5, 6])
    }

    @Test("An address made of a machine's name is always the same, unicast, and never twice in a machine")
    func derivedAddresses() {
        #expect(MACAddress.derived(machine: "web1", index: 0).description == "02:94:77:fb:f2:66")
        #expect(MACAddress.derived(machine: "web2", index: 0).description == "02:79:91:08:67:eb")
        for name in ["", "a", "web1", String(repeating: "n", count: 63)] {
            let all = (0..<14).map { MACAddress.derived(machine: name, index: $0) }
            #expect(Set(all).count == 14)
            #expect(all.allSatisfy { $0.isUnicast && $0.bytes[0] == 2 })
        }
    }

    @Test(
        "An interval is digits and a unit, or 0",
        arguments: [
            ("0", 0, "0"), ("1s", 1000, "1s"), ("1500ms", 1500, "1500ms"), ("2000ms", 2000, "2s"),
            ("120s", 120_000, "2m"), ("1h", 3_600_000, "1h"), ("0s", 0, "0"),
        ] as [(String, UInt64, String)])
    func intervals(text: String, milliseconds: UInt64, shortest: String) {
        #expect(Interval(text)?.milliseconds == milliseconds)
        #expect(Interval(text)?.description == shortest)
    }

    @Test(
        "Anything else is no interval",
        arguments: ["", "1", "s", "-1s", "+1s", "1 s", "1.5s", "1S", "1d", "1ss", "18446744073709551615h"])
    func noIntervals(text: String) {
        #expect(Interval(text) == nil)
    }

    @Test("A limit without a burst lets a tenth of a second's worth pass at once")
    func bursts() {
        #expect(RateLimit(perSecond: 1000).burst == 100)
        #expect(RateLimit(perSecond: 1001).burst == 101)
        #expect(RateLimit(perSecond: 1).burst == 1)
        #expect(RateLimit(perSecond: 1000, burst: 7).burst == 7)
        #expect(RateLimit(perSecond: .max).burst > 0)
    }

    @Test(
        "An interface's name is one that Linux takes as it is",
        arguments: [
            ("tap0", true), ("a", true), ("eth0.100", true), ("...", true), ("fifteen-bytes-x", true),
            ("", false), (".", false), ("..", false), ("sixteen-bytes-xx", false), ("a/b", false),
            ("a:b", false), ("a b", false), ("a\tb", false), ("a\0", false), ("tap%d", false),
        ])
    func interfaceNames(text: String, isOne: Bool) {
        #expect(NetSpec.isInterfaceName(text) == isOne)
    }
}

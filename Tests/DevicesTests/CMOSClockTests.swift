import Testing

@testable import Devices

@Suite("CMOS clock")
struct CMOSClockTests {
    func read(_ clock: CMOSClock, _ register: UInt8) -> UInt8 {
        _ = clock.writeRegister(0, register)
        return clock.readRegister(1)
    }

    func write(_ clock: CMOSClock, _ register: UInt8, _ value: UInt8) {
        _ = clock.writeRegister(0, register)
        _ = clock.writeRegister(1, value)
    }

    /// Century, year, month, day, weekday, hour, minute, second as the registers have them.
    func readAll(_ clock: CMOSClock) -> [UInt8] {
        let second = read(clock, 0)
        return [0x32, 9, 8, 7, 6, 4, 2].map { read(clock, $0) } + [second]
    }

    @Test(
        "known moments read right in BCD",
        arguments: [
            (0, [0x19, 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00]),
            (951_782_400, [0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00]),
            (951_868_799, [0x20, 0x00, 0x02, 0x29, 3, 0x23, 0x59, 0x59]),
            (951_868_800, [0x20, 0x00, 0x03, 0x01, 4, 0x00, 0x00, 0x00]),
            (1_709_210_096, [0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x34, 0x56]),
            (2_147_483_647, [0x20, 0x38, 0x01, 0x19, 3, 0x03, 0x14, 0x07]),
            (2_147_483_648, [0x20, 0x38, 0x01, 0x19, 3, 0x03, 0x14, 0x08]),
            (4_107_542_399, [0x21, 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59]),
            (4_107_542_400, [0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00]),
            (4_294_967_296, [0x21, 0x06, 0x02, 0x07, 1, 0x06, 0x28, 0x16]),
            (-1, [0x19, 0x69, 0x12, 0x31, 4, 0x23, 0x59, 0x59]),
        ] as [(Int64, [UInt8])])
    func knownMoments(seconds: Int64, registers: [UInt8]) {
        #expect(readAll(CMOSClock { seconds }) == registers)
    }

    @Test("a day after each day is the next day, from 1899 to 2401")
    func everyDay() {
        var expected = CalendarTime(secondsSince1970: -2_240_524_800)
        #expect(expected.year == 1899 && expected.month == 1 && expected.day == 1)
        for day in 0..<183_000 as Range<Int64> {
            let time = CalendarTime(secondsSince1970: -2_240_524_800 + day * 86400)
            guard time == expected else {
                Issue.record("\(time) is not \(expected)")
                return
            }
            let isLeap =
                expected.year % 4 == 0 && (expected.year % 100 != 0 || expected.year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            expected.weekday = expected.weekday % 7 + 1
            expected.day += 1
            if expected.day > lengths[expected.month - 1] {
                expected.day = 1
                expected.month += 1
            }
            if expected.month > 12 {
                expected.month = 1
                expected.year += 1
            }
        }
    }

    @Test("binary mode", arguments: [(13, 13), (0, 0), (23, 23)] as [(Int64, UInt8)])
    func binary(hour: Int64, shown: UInt8) {
        let clock = CMOSClock { 1_709_164_800 + hour * 3600 }
        write(clock, 0x0B, 0x06)
        #expect(read(clock, 0x32) == 20 && read(clock, 9) == 24 && read(clock, 7) == 29)
        #expect(read(clock, 4) == shown)
    }

    @Test(
        "twelve-hour mode shows midnight and noon as 12, and the afternoon in bit 7",
        arguments: [(0, 0x12), (1, 0x01), (11, 0x11), (12, 0x92), (13, 0x81), (23, 0x91)] as [(Int64, UInt8)])
    func twelveHours(hour: Int64, shown: UInt8) {
        let clock = CMOSClock { hour * 3600 }
        write(clock, 0x0B, 0x00)
        #expect(read(clock, 4) == shown)
    }

    @Test("a reading that crosses midnight is of one moment")
    func noTearing() {
        let time = ManualClock(951_868_799)
        let clock = CMOSClock { time.now }
        #expect(read(clock, 0x0A) & 0x80 == 0)
        #expect(read(clock, 0) == 0x59)
        time.advance(1)
        #expect(read(clock, 2) == 0x59 && read(clock, 4) == 0x23 && read(clock, 7) == 0x29)
        #expect(read(clock, 0) == 0x00)
        #expect(read(clock, 7) == 0x01)
    }

    @Test("a field read alone much later is of its own moment")
    func notStale() {
        let time = ManualClock(0)
        let clock = CMOSClock { time.now }
        #expect(read(clock, 2) == 0)
        time.advance(120)
        #expect(read(clock, 2) == 0x02)
        time.advance(-60)
        #expect(read(clock, 2) == 0x01)
    }

    @Test("RAM holds what is written, time does not, and status registers are sane")
    func memory() {
        let clock = CMOSClock { 0 }
        for register in 0x0E..<0x80 as Range<UInt8> where register != 0x32 {
            write(clock, register | 0x80, register ^ 0x5A)
            #expect(read(clock, register) == register ^ 0x5A)
        }
        write(clock, 0, 0x42)
        write(clock, 0x0A, 0xFF)
        write(clock, 0x0C, 0xFF)
        #expect(read(clock, 0) == 0)
        #expect(read(clock, 0x0A) == 0x7F && read(clock, 0x0C) == 0 && read(clock, 0x0D) == 0x80)
        #expect(clock.readRegister(0) == 0xFF)
    }

    @Test("a clock of any value is shown somehow", arguments: [Int64.min, Int64.max, -62_135_596_801])
    func absurdClock(seconds: Int64) {
        #expect(readAll(CMOSClock { seconds }).count == 8)
    }
}

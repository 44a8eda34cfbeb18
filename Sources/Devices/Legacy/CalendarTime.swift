/// A moment in UTC by the Gregorian calendar.
struct CalendarTime: Equatable, Sendable {
    var year: Int
    /// 1 to 12.
    var month: Int
    /// 1 to 31.
    var day: Int
    /// 1 is Sunday.
    var weekday: Int
    var hour: Int
    var minute: Int
    var second: Int

    /// From seconds since 1970, negative ones before. Clamped to the years 1 to 9999, which a clock
    /// with a century register can show.
    init(secondsSince1970: Int64) {
        let seconds = min(max(secondsSince1970, -62_135_596_800), 253_402_300_799)
        let secondsOfDay = Int(((seconds % 86400) + 86400) % 86400)
        let days = (Int(seconds) - secondsOfDay) / 86400
        hour = secondsOfDay / 3600
        minute = secondsOfDay / 60 % 60
        second = secondsOfDay % 60
        // 1 January 1970 was a Thursday.
        weekday = ((days + 4) % 7 + 7) % 7 + 1
        (year, month, day) = Self.date(daysSince1970: days)
    }

    /// Counts in cycles of 400 years (146097 days) and in years that begin on 1 March, so that a leap
    /// day is the last of its year.
    private static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        // 719468 days lie between 1 March of year 0 and 1 January 1970.
        let shifted = days + 719_468
        let cycle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfCycle = shifted - cycle * 146_097
        // Every 4 years but not every 100 but every 400 a day is added; take those away first.
        let leapDays = dayOfCycle / 1460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leapDays) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        // From March on, months of 31, 30, 31, 30, 31 days repeat: 153 days in five months.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, day)
    }
}

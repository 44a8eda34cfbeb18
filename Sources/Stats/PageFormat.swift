/// The numbers of the page's layout, which docs/stats-page.md describes. All integers are little-endian.
enum PageFormat {
    /// The first eight bytes, `roostats`. They are written last.
    static let magic: UInt64 = 0x7374_6174_736F_6F72
    static let version: UInt32 = 1
    static let headerSize = 128
    static let sectionEntrySize = 32
    static let metricEntrySize = 16
    /// Each section begins at a multiple of this: two cache lines, which processors fetch in pairs.
    static let sectionAlignment = 128
    static let pageSize = 4096
    /// No page is larger, and no reader takes one that is.
    static let mostBytes = 4 << 20
    static let mostNameBytes = 64

    /// Where in the header a field lies.
    enum Header {
        static let magic = 0
        static let version = 8
        static let headerSize = 12
        static let size = 16
        static let generation = 20
        static let process = 24
        static let bootTime = 32
        static let monotonicTime = 40
        static let realTime = 48
        static let sectionTable = 56
        static let sectionCount = 60
        static let metricTable = 64
        static let metricCount = 68
        static let names = 72
        static let namesSize = 76
        static let data = 80
        static let dataSize = 84
    }

    /// Where in an entry of the table of sections a field lies.
    enum Section {
        static let name = 0
        static let nameSize = 4
        static let firstMetric = 8
        static let metricCount = 12
        static let offset = 16
        static let size = 20
    }

    /// Where in an entry of the table of metrics a field lies.
    enum Metric {
        static let name = 0
        static let nameSize = 4
        static let kind = 6
        static let unit = 7
        /// From the section's start, in bytes.
        static let offset = 8
        /// In cells.
        static let count = 12
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

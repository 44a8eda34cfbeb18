@testable import Introspection

/// Writes kallsyms tables as scripts/kallsyms.c of each age of Linux does.
struct KallsymsImage {
    /// The order and form of the tables.
    enum Layout: CaseIterable {
        /// 4.6: markers of 64 bits.
        case wideMarkers
        /// 4.20: of 32.
        case narrowMarkers
        /// 6.1: names of more than 127 tokens.
        case longNames
        /// 6.2: the names' order by name before the tokens.
        case sequences
        /// 6.4: offsets behind the tokens.
        case offsetsLast
        /// 7.0: offsets that count from their own place.
        case selfRelative

        var hasLongNames: Bool {
            switch self {
            case .wideMarkers, .narrowMarkers: false
            default: true
            }
        }
    }

    struct Entry {
        var address: UInt64
        var kind: Character
        var name: String
    }

    /// Where the image begins.
    static let start: UInt64 = 0xFFFF_FFFF_A940_0000
    /// Texts that are tokens, at numbers that no letter has.
    private static let tokens: [Int: String] = [
        1: "sys_", 2: "_init", 3: "tT", 128: "function_", 200: "page", 255: "number",
    ]

    let layout: Layout
    let hasAbsolutePerCPU: Bool
    /// The address of the first byte.
    let start: UInt64
    var entries: [Entry]
    private(set) var bytes: [UInt8] = []

    /// - Parameter entries: by ascending address, as the kernel sorts them.
    init(_ layout: Layout, hasAbsolutePerCPU: Bool, entries: [Entry], start: UInt64 = Self.start) {
        self.start = start
        self.layout = layout
        self.hasAbsolutePerCPU = hasAbsolutePerCPU
        self.entries = entries
        bytes = [UInt8](repeating: 0xCC, count: 4096)
        bytes += [UInt8](repeating: 0, count: 8)
        var names: [UInt8] = []
        var marks: [Int] = []
        for (number, entry) in entries.enumerated() {
            if number % 256 == 0 { marks.append(names.count) }
            let codes = Self.compressed("\(entry.kind)\(entry.name)")
            if codes.count >= 0x80 {
                names += [UInt8(codes.count & 0x7F | 0x80), UInt8(codes.count >> 7)]
            } else {
                names.append(UInt8(codes.count))
            }
            names += codes
        }
        switch layout {
        case .wideMarkers, .narrowMarkers, .longNames, .sequences:
            writeOffsets()
            write(relativeBase, 8)
            writeNames(names, marks)
            if layout == .sequences { writeSequences() }
            writeTokens()
        case .offsetsLast:
            writeNames(names, marks)
            writeTokens()
            writeOffsets()
            write(relativeBase, 8)
            writeSequences()
        case .selfRelative:
            writeNames(names, marks)
            writeTokens()
            writeOffsets()
            writeSequences()
        }
        bytes += [UInt8](repeating: 0xCC, count: 4096)
    }

    /// The lowest address that is not absolute.
    private var relativeBase: UInt64 {
        entries.first { !hasAbsolutePerCPU || $0.address >> 63 == 1 }?.address ?? 0
    }

    private mutating func write(_ value: UInt64, _ size: Int) {
        for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
    }

    private mutating func align() {
        while bytes.count % 8 != 0 { bytes.append(0) }
    }

    private mutating func writeOffsets() {
        align()
        for entry in entries {
            var value = entry.address &- relativeBase
            if layout == .selfRelative {
                value = entry.address &- (start &+ UInt64(bytes.count))
            } else if hasAbsolutePerCPU {
                value = entry.address >> 63 == 1 ? relativeBase &- entry.address &- 1 : entry.address
            }
            write(value & 0xFFFF_FFFF, 4)
        }
        align()
    }

    private mutating func writeNames(_ names: [UInt8], _ marks: [Int]) {
        align()
        write(UInt64(entries.count), 8)
        bytes += names
        align()
        for mark in marks { write(UInt64(mark), layout == .wideMarkers ? 8 : 4) }
        align()
    }

    private mutating func writeSequences() {
        for number in entries.indices { write(UInt64(number), 3) }
        align()
    }

    private mutating func writeTokens() {
        align()
        var places: [Int] = []
        let first = bytes.count
        for code in 0..<256 {
            places.append(bytes.count - first)
            bytes += Array(Self.text(code).utf8) + [0]
        }
        align()
        for place in places { write(UInt64(place), 2) }
        align()
    }

    private static func text(_ code: Int) -> String {
        if let token = tokens[code] { return token }
        return (33...126).contains(code) ? String(Character(Unicode.Scalar(UInt8(code)))) : ""
    }

    private static func compressed(_ text: String) -> [UInt8] {
        var codes: [UInt8] = []
        var rest = Substring(text)
        while let letter = rest.utf8.first {
            if let (code, token) = tokens.first(where: { rest.hasPrefix($0.value) }) {
                codes.append(UInt8(code))
                rest = rest.dropFirst(token.count)
            } else {
                codes.append(letter)
                rest = rest.dropFirst()
            }
        }
        return codes
    }
}

extension KallsymsImage {
    /// The name of 300 characters that stands in the tables with long names.
    static let longName = String((0..<300).map { Character(Unicode.Scalar(UInt8(65 + $0 % 26))) })

    /// A kernel of a few thousand functions, some variables and one per-CPU variable.
    static func kernel(_ layout: Layout, hasAbsolutePerCPU: Bool, hasVariables: Bool = true) -> KallsymsImage
    {
        var entries: [Entry] = []
        if hasAbsolutePerCPU, hasVariables {
            entries.append(Entry(address: 0, kind: "A", name: "fixed_percpu_data"))
            entries.append(Entry(address: 0x34C40, kind: "A", name: "runqueues"))
        }
        entries.append(Entry(address: start, kind: "T", name: "_text"))
        for number in 1...2100 {
            entries.append(
                Entry(address: start + UInt64(number) * 64, kind: "t", name: "function_number\(number)"))
        }
        let behind = start + 0x100_0000
        if layout.hasLongNames { entries.append(Entry(address: behind, kind: "T", name: longName)) }
        if hasVariables {
            entries.append(Entry(address: behind + 64, kind: "R", name: "linux_banner"))
            entries.append(Entry(address: behind + 128, kind: "d", name: "modules"))
            entries.append(Entry(address: behind + 192, kind: "d", name: "modules"))
            if !hasAbsolutePerCPU {
                entries.append(Entry(address: behind + 0x20_0000, kind: "D", name: "runqueues"))
            }
        }
        return KallsymsImage(layout, hasAbsolutePerCPU: hasAbsolutePerCPU, entries: entries)
    }
}

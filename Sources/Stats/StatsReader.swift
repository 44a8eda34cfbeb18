internal import HostSystem

/// Reads a stats page. Whatever the file holds, and whatever is done to it meanwhile, the answer is a
/// snapshot or an error: the file is read, not mapped, because a mapped file that becomes shorter kills.
public struct StatsReader: ~Copyable, Sendable {
    private let file: RegularFile
    /// The bytes before the data, and what they mean.
    private var known: (bytes: ArraySlice<UInt8>, tables: PageTables)?

    /// How often a section whose writer is at it is read again before the reader gives up.
    public static let usualAttempts = 64

    /// Opens a page.
    public init(_ path: String) throws(StatsError) {
        let file: RegularFile
        do {
            file = try RegularFile.open(path)
        } catch {
            throw .file(error)
        }
        guard file.size <= UInt64(PageFormat.mostBytes) else {
            throw .damaged("\(file.size) bytes are more than a stats page has")
        }
        self.file = file
    }

    /// Takes a snapshot. The machine does not notice.
    ///
    /// - Parameter attempts: at least 1; see `usualAttempts`.
    public mutating func snapshot(
        attempts: Int = StatsReader.usualAttempts
    ) throws(StatsError) -> StatsSnapshot {
        // Three readings in a row: the first and the last prove the one between. A single reading proves
        // nothing, as its bytes are copied in no particular order.
        let (first, page, last) = (try read(), try read(), try read())
        let tables = try tables(of: page)
        // Tables that change under a reader are those of another page.
        guard first.bytes[..<tables.data] == last.bytes[..<tables.data],
            page.bytes[..<tables.data] == last.bytes[..<tables.data]
        else { throw .notReady }
        var sections: [StatsSectionSnapshot] = []
        sections.reserveCapacity(tables.sections.count)
        for section in tables.sections {
            let isStill = Self.isStill(first.integer(at: section.offset), last.integer(at: section.offset))
            sections.append(
                isStill
                    ? section.snapshot(of: page, from: section.offset, isConsistent: true)
                    : try again(section, attempts: attempts))
        }
        return StatsSnapshot(tables, readTime: HostClock.monotonicNanoseconds(), sections: sections)
    }

    /// Reads one section until its writer was not at it meanwhile.
    private func again(
        _ section: PageTables.Section, attempts: Int
    ) throws(StatsError) -> StatsSectionSnapshot {
        var attempt = 0
        while true {
            attempt += 1
            let first: UInt64? = try read(at: section.offset, count: 8).integer(at: 0)
            let middle = try read(at: section.offset, count: section.size)
            let last: UInt64? = try read(at: section.offset, count: 8).integer(at: 0)
            let isConsistent = Self.isStill(first, last)
            if isConsistent || attempt >= attempts {
                return section.snapshot(of: middle, from: 0, isConsistent: isConsistent)
            }
        }
    }

    /// Whether a section did not change between two readings of its sequence.
    private static func isStill(_ first: UInt64?, _ last: UInt64?) -> Bool {
        guard let first, let last else { return false }
        return first == last && first & 1 == 0
    }

    private func read() throws(StatsError) -> LittleEndianBytes {
        try read(at: 0, count: Int(file.size))
    }

    private func read(at offset: Int, count: Int) throws(StatsError) -> LittleEndianBytes {
        do {
            return LittleEndianBytes(try file.bytes(at: UInt64(offset), count: count))
        } catch {
            throw .file(error)
        }
    }

    private mutating func tables(of page: LittleEndianBytes) throws(StatsError) -> PageTables {
        if let known, page.bytes.starts(with: known.bytes) { return known.tables }
        let tables = try PageTables(page.bytes)
        known = (page.bytes[..<tables.data], tables)
        return tables
    }
}

extension StatsSnapshot {
    /// The snapshot a whole page's bytes are, when nobody writes them any more: one that was saved.
    public init(page bytes: [UInt8]) throws(StatsError) {
        let tables = try PageTables(bytes)
        let page = LittleEndianBytes(bytes)
        self.init(
            tables, readTime: tables.monotonicTime,
            sections: tables.sections.map { section in
                let sequence = page.integer(UInt64.self, at: section.offset) ?? 1
                return section.snapshot(of: page, from: section.offset, isConsistent: sequence & 1 == 0)
            })
    }

    fileprivate init(_ tables: PageTables, readTime: UInt64, sections: [StatsSectionSnapshot]) {
        self.init(
            process: tables.process, bootTime: tables.bootTime, monotonicTime: tables.monotonicTime,
            realTime: tables.realTime, readTime: readTime, sections: sections)
    }
}

extension PageTables.Section {
    /// The section's values in bytes where it begins at `start`.
    fileprivate func snapshot(
        of bytes: LittleEndianBytes, from start: Int, isConsistent: Bool
    ) -> StatsSectionSnapshot {
        StatsSectionSnapshot(
            name: name, isConsistent: isConsistent,
            values: metrics.map { metric in
                StatsValue(
                    name: metric.name, kind: metric.kind, unit: metric.unit,
                    cells: (0..<metric.count).map { index in
                        // The tables were checked: the cell is there.
                        bytes.integer(UInt64.self, at: start + metric.offset + index * 8) ?? 0
                    })
            })
    }
}

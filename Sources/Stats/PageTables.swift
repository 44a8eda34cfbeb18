/// The tables of a page that was read, checked: whatever the bytes were, no place lies outside the page,
/// and no two numbers overlap.
struct PageTables: Sendable, Equatable {
    struct Metric: Sendable, Equatable {
        let name: String
        let kind: StatsKind
        let unit: StatsUnit
        /// From the section's start, in bytes.
        let offset: Int
        /// In cells.
        let count: Int
    }

    struct Section: Sendable, Equatable {
        let name: String
        let metrics: [Metric]
        /// From the page's start, in bytes.
        let offset: Int
        let size: Int
    }

    let process: Int32
    let generation: UInt32
    let bootTime: UInt64
    let monotonicTime: UInt64
    let realTime: UInt64
    let sections: [Section]
    /// Where the data begins: everything before does not change while the generation does not.
    let data: Int

    init(_ bytes: [UInt8]) throws(StatsError) {
        // Made, and not even given its length.
        guard !bytes.isEmpty else { throw .notReady }
        let reader = TableReader(bytes)
        let magic: UInt64 = try reader.get(PageFormat.Header.magic)
        guard magic != 0 else { throw .notReady }
        guard magic == PageFormat.magic else { throw .notAPage }
        let version: UInt32 = try reader.get(PageFormat.Header.version)
        guard version == PageFormat.version else { throw .unknownVersion(version) }
        guard try reader.field(PageFormat.Header.headerSize) == PageFormat.headerSize else {
            throw .damaged("its header has no usual size")
        }
        guard try reader.field(PageFormat.Header.size) == bytes.count else {
            throw .damaged("it is not as long as it says")
        }
        process = Int32(bitPattern: try reader.get(PageFormat.Header.process) as UInt32)
        generation = try reader.get(PageFormat.Header.generation)
        bootTime = try reader.get(PageFormat.Header.bootTime)
        monotonicTime = try reader.get(PageFormat.Header.monotonicTime)
        realTime = try reader.get(PageFormat.Header.realTime)
        guard process > 0 else { throw .damaged("process \(process)") }
        data = try reader.field(PageFormat.Header.data)
        let end = data + (try reader.field(PageFormat.Header.dataSize))
        guard data >= PageFormat.headerSize, end <= bytes.count else {
            throw .damaged("its data lies outside")
        }
        sections = try reader.sections(from: data, to: end)
    }
}

/// The steps of reading the tables.
private struct TableReader {
    let bytes: LittleEndianBytes

    init(_ bytes: [UInt8]) {
        self.bytes = LittleEndianBytes(bytes)
    }

    func get<Value: FixedWidthInteger>(_ offset: Int) throws(StatsError) -> Value {
        guard let value = bytes.integer(Value.self, at: offset) else { throw .damaged("it ends too early") }
        return value
    }

    func field(_ offset: Int) throws(StatsError) -> Int {
        Int(try get(offset) as UInt32)
    }

    /// The sections, each inside the data and behind the one before.
    func sections(from start: Int, to end: Int) throws(StatsError) -> [PageTables.Section] {
        let table = try field(PageFormat.Header.sectionTable)
        let count = try field(PageFormat.Header.sectionCount)
        let metricCount = try field(PageFormat.Header.metricCount)
        var sections: [PageTables.Section] = []
        var names: Set<String> = []
        var next = start
        for index in 0..<count {
            let entry = table + index * PageFormat.sectionEntrySize
            let name = try name(
                try field(entry + PageFormat.Section.name),
                Int(try get(entry + PageFormat.Section.nameSize) as UInt32))
            let first = try field(entry + PageFormat.Section.firstMetric)
            let number = try field(entry + PageFormat.Section.metricCount)
            let offset = try field(entry + PageFormat.Section.offset)
            let size = try field(entry + PageFormat.Section.size)
            guard names.insert(name).inserted else { throw .damaged("there are two sections \(name)") }
            guard offset % 8 == 0, size >= 8, offset >= next, size <= end, offset <= end - size else {
                throw .damaged("section \(name) lies outside")
            }
            guard first <= metricCount, number <= metricCount - first else {
                throw .damaged("section \(name) has metrics that are not there")
            }
            next = offset + size
            let metrics = try metrics(first, number, sectionSize: size)
            sections.append(
                PageTables.Section(name: name, metrics: metrics, offset: offset, size: size))
        }
        return sections
    }

    /// Metrics by their numbers, each inside the section and behind the one before.
    private func metrics(
        _ first: Int, _ number: Int, sectionSize: Int
    ) throws(StatsError) -> [PageTables.Metric] {
        let table = try field(PageFormat.Header.metricTable)
        var metrics: [PageTables.Metric] = []
        var names: Set<String> = []
        var next = 8
        for index in first..<first + number {
            let entry = table + index * PageFormat.metricEntrySize
            let name = try name(
                try field(entry + PageFormat.Metric.name),
                Int(try get(entry + PageFormat.Metric.nameSize) as UInt16))
            let kind: UInt8 = try get(entry + PageFormat.Metric.kind)
            let unit: UInt8 = try get(entry + PageFormat.Metric.unit)
            let offset = try field(entry + PageFormat.Metric.offset)
            let count = try field(entry + PageFormat.Metric.count)
            guard names.insert(name).inserted else { throw .damaged("there are two metrics \(name)") }
            guard count > 0, offset % 8 == 0, offset >= next, offset <= sectionSize,
                count <= (sectionSize - offset) / 8
            else {
                throw .damaged("metric \(name) lies outside its section")
            }
            next = offset + count * 8
            // What a newer writer may add: an amount of which no more is known.
            let known = StatsKind(rawValue: kind) ?? .gauge
            guard known == .histogram ? count >= 3 : true else {
                throw .damaged("the histogram \(name) has no buckets")
            }
            metrics.append(
                PageTables.Metric(
                    name: name, kind: known, unit: StatsUnit(rawValue: unit) ?? .none, offset: offset,
                    count: count))
        }
        return metrics
    }

    private func name(_ offset: Int, _ size: Int) throws(StatsError) -> String {
        let start = try field(PageFormat.Header.names)
        let all = try field(PageFormat.Header.namesSize)
        guard size > 0, size <= PageFormat.mostNameBytes, offset <= all, size <= all - offset,
            let text = bytes.slice(at: start + offset, count: size), text.allSatisfy(PageFormat.isNameByte)
        else {
            throw .damaged("a name in it is none")
        }
        return String(decoding: text, as: UTF8.self)
    }
}

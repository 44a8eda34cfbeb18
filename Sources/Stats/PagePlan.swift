/// A page's tables as bytes, and where its sections will lie: a pure function of the declarations.
struct PagePlan {
    /// Everything before the data, the header with a magic of zero.
    private(set) var bytes: [UInt8]
    /// Offset and number of cells of each section, in the order of the declarations.
    let sections: [(offset: Int, cells: Int)]
    /// The size of it all, a multiple of the page size.
    let size: Int

    /// - Precondition: names are as `StatsDeclaration` says, and everything fits `PageFormat.mostBytes`.
    init(_ declarations: [StatsDeclaration]) {
        var names: [UInt8] = []
        // Sections of one shape share its part of the table. A shape is known by its metrics' names, which
        // are static: the same static string lies at the same place.
        var shapes: [(shape: StatsShape, first: Int)] = []
        var metrics: [UInt8] = []
        var sectionEntries: [(name: Int, nameSize: Int, first: Int, count: Int, cells: Int)] = []
        sectionEntries.reserveCapacity(declarations.count)
        for declaration in declarations {
            precondition(declaration.hasValidName, "a section's name is no good: \(declaration.name)")
            let shape = declaration.shape
            let known = shapes.first { $0.shape.isSame(as: shape) }
            let first = known?.first ?? metrics.count / PageFormat.metricEntrySize
            if known == nil {
                shapes.append((shape, first))
                for metric in shape.metrics { Self.append(metric, to: &metrics, names: &names) }
            }
            sectionEntries.append(
                (names.count, declaration.name.utf8.count, first, shape.metrics.count, shape.cellCount))
            names += declaration.name.utf8
        }

        let sectionTable = PageFormat.headerSize
        let metricTable = sectionTable + declarations.count * PageFormat.sectionEntrySize
        let nameTable = metricTable + metrics.count
        let data = (nameTable + names.count).rounded(to: PageFormat.sectionAlignment)

        var bytes = [UInt8](repeating: 0, count: data)
        var offset = data
        var places: [(offset: Int, cells: Int)] = []
        places.reserveCapacity(declarations.count)
        for (index, entry) in sectionEntries.enumerated() {
            let at = sectionTable + index * PageFormat.sectionEntrySize
            let size = (entry.cells + 1) * 8
            bytes.put(UInt32(entry.name), at: at + PageFormat.Section.name)
            bytes.put(UInt32(entry.nameSize), at: at + PageFormat.Section.nameSize)
            bytes.put(UInt32(entry.first), at: at + PageFormat.Section.firstMetric)
            bytes.put(UInt32(entry.count), at: at + PageFormat.Section.metricCount)
            bytes.put(UInt32(offset), at: at + PageFormat.Section.offset)
            bytes.put(UInt32(size), at: at + PageFormat.Section.size)
            places.append((offset, entry.cells))
            offset = (offset + size).rounded(to: PageFormat.sectionAlignment)
        }
        bytes.replaceSubrange(metricTable..<nameTable, with: metrics)
        bytes.replaceSubrange(nameTable..<nameTable + names.count, with: names)

        size = offset.rounded(to: PageFormat.pageSize)
        precondition(size <= PageFormat.mostBytes, "the stats page becomes too large: \(size) bytes")
        let fields: [(Int, Int)] = [
            (PageFormat.Header.version, Int(PageFormat.version)),
            (PageFormat.Header.headerSize, PageFormat.headerSize),
            (PageFormat.Header.size, size),
            (PageFormat.Header.generation, 1),
            (PageFormat.Header.sectionTable, sectionTable),
            (PageFormat.Header.sectionCount, declarations.count),
            (PageFormat.Header.metricTable, metricTable),
            (PageFormat.Header.metricCount, metrics.count / PageFormat.metricEntrySize),
            (PageFormat.Header.names, nameTable),
            (PageFormat.Header.namesSize, names.count),
            (PageFormat.Header.data, data),
            (PageFormat.Header.dataSize, offset - data),
        ]
        for (place, value) in fields { bytes.put(UInt32(value), at: place) }
        self.bytes = bytes
        sections = places
    }

    /// Says whose page it is, and since when.
    mutating func sign(process: Int32, bootTime: UInt64, monotonicTime: UInt64, realTime: UInt64) {
        bytes.put(UInt32(bitPattern: process), at: PageFormat.Header.process)
        bytes.put(bootTime, at: PageFormat.Header.bootTime)
        bytes.put(monotonicTime, at: PageFormat.Header.monotonicTime)
        bytes.put(realTime, at: PageFormat.Header.realTime)
    }

    private static func append(_ metric: StatsMetric, to entries: inout [UInt8], names: inout [UInt8]) {
        let at = entries.count
        entries += repeatElement(0, count: PageFormat.metricEntrySize)
        entries.put(UInt32(names.count), at: at + PageFormat.Metric.name)
        entries.put(UInt16(metric.name.utf8CodeUnitCount), at: at + PageFormat.Metric.nameSize)
        entries[at + PageFormat.Metric.kind] = metric.kind.rawValue
        entries[at + PageFormat.Metric.unit] = metric.unit.rawValue
        // The sequence comes first.
        entries.put(UInt32((metric.firstCell + 1) * 8), at: at + PageFormat.Metric.offset)
        entries.put(UInt32(metric.cellCount), at: at + PageFormat.Metric.count)
        // SAFETY: a static string's bytes, which live for ever.
        metric.name.withUTF8Buffer { bytes in unsafe names += bytes }
    }
}

extension StatsDeclaration {
    fileprivate var hasValidName: Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= PageFormat.mostNameBytes
            && bytes.allSatisfy(PageFormat.isNameByte)
    }
}

extension StatsShape {
    /// Whether both have the same metrics, told by the places of their names.
    fileprivate func isSame(as other: StatsShape) -> Bool {
        guard metrics.count == other.metrics.count, cellCount == other.cellCount else { return false }
        return zip(metrics, other.metrics).allSatisfy { one, another in
            // SAFETY: the pointers are only compared.
            unsafe one.name.hasPointerRepresentation && another.name.hasPointerRepresentation
                && one.name.utf8Start == another.name.utf8Start && one.kind == another.kind
                && one.unit == another.unit && one.cellCount == another.cellCount
        }
    }
}

extension Int {
    /// The next multiple of a power of two.
    fileprivate func rounded(to multiple: Int) -> Int { (self + multiple - 1) & ~(multiple - 1) }
}

extension [UInt8] {
    /// Puts a little-endian integer at an offset.
    fileprivate mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        for index in 0..<MemoryLayout<Value>.size {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> Value(index * 8))
        }
    }
}

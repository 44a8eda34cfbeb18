extension MemoryAreaList {
    /// Addresses by which areas are known.
    struct Marks {
        let heap: (start: UInt64, end: UInt64)
        let stack: UInt64
    }

    /// VM_READ, VM_WRITE, VM_EXEC and VM_MAYSHARE (include/linux/mm.h).
    private static let permissionBits: [(UInt64, Character)] = [(1, "r"), (2, "w"), (4, "x")]
    private static let mayShare: UInt64 = 0x80
    /// FMODE_BACKING (include/linux/fs.h): the file of a lower file system, opened by one stacked on it.
    private static let isBacking: Int64 = 1 << 25

    /// The row of an area.
    ///
    /// - Throws: `inconsistent` if it is no area of this process.
    func row(
        of area: VirtualAddress, in memory: VirtualAddress, _ marks: Marks
    ) throws(ReadError) -> MemoryAreaRow {
        let start = try kernel.pointer(fields.start, at: area).rawValue
        let end = try kernel.pointer(fields.end, at: area).rawValue
        guard try kernel.pointer(fields.memory, at: area) == memory, start < end, (start | end) & 0xFFF == 0
        else { throw .inconsistent("\(area) is no memory area of this process") }
        let flags = UInt64(bitPattern: try kernel.value(fields.flags, at: area))
        var permissions = String(Self.permissionBits.map { flags & $0.0 != 0 ? $0.1 : "-" })
        permissions += flags & Self.mayShare != 0 ? "s" : "p"
        var row = MemoryAreaRow(start: start, end: end, permissions: permissions, offset: 0)
        let file = try kernel.pointer(fields.file, at: area)
        guard file.isNull else {
            row.offset = UInt64(bitPattern: try kernel.value(fields.pageOffset, at: area)) << 12
            // The file may be closed as it is read: then nothing but its place is told of it.
            try? describe(file, in: &row)
            return row
        }
        row.path = try? name(of: area, start..<end, marks)
        return row
    }

    private func describe(_ file: VirtualAddress, in row: inout MemoryAreaRow) throws(ReadError) {
        var path = file + fields.filePath.offset
        var inode = try kernel.pointer(fields.fileInode, at: file)
        if let userPath = fields.userPath, try kernel.value(fields.fileMode, at: file) & Self.isBacking != 0 {
            path = file + userPath.offset
            let entry = try kernel.pointer(fields.pathEntry, at: path)
            inode = try kernel.pointer(fields.entryInode, at: entry)
        }
        row.inode = try kernel.load(UInt64.self, at: inode + fields.inodeNumber.offset)
        let system = try kernel.pointer(fields.inodeSystem, at: inode)
        row.device = DeviceNumber.text(
            UInt32(truncatingIfNeeded: try kernel.value(fields.device, at: system)))
        row.path = try paths.path(of: try paths.place(at: path)).text
    }

    /// What an area without a file is known as; nil for most (fs/proc/task_mmu.c, get_vma_name).
    private func name(
        of area: VirtualAddress, _ range: Range<UInt64>, _ marks: Marks
    ) throws(ReadError) -> String? {
        let operations = try kernel.pointer(fields.operations, at: area)
        if !operations.isNull, operations == specialOperations, let specialName = fields.specialName {
            let mapping = try kernel.pointer(fields.privateData, at: area)
            return try kernel.text(at: try kernel.pointer(specialName, at: mapping), limit: 64)
        }
        if range.lowerBound < marks.heap.end, range.upperBound > marks.heap.start { return "[heap]" }
        // The stack's mark may be its end.
        if range.lowerBound <= marks.stack, marks.stack <= range.upperBound { return "[stack]" }
        guard let anonymousName = fields.anonymousName else { return nil }
        let name = try kernel.pointer(anonymousName, at: area)
        // The text stands behind a counter of 4 bytes (struct anon_vma_name).
        return name.isNull ? nil : "[anon:\(try kernel.text(at: name + 4, limit: 80))]"
    }
}

/// A device's number as the kernel keeps it: 12 bits major, 20 bits minor (include/linux/kdev_t.h).
enum DeviceNumber {
    /// As /proc/PID/maps shows it: both in hexadecimal, of two digits at least.
    static func text(_ number: UInt32) -> String { "\(digits(number >> 20)):\(digits(number & 0xF_FFFF))" }

    private static func digits(_ value: UInt32) -> String {
        let text = String(value, radix: 16)
        return text.utf8.count < 2 ? "0" + text : text
    }
}

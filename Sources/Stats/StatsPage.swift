public import HostSystem
internal import Synchronization

/// The page of a machine's statistics that this process writes and anybody allowed reads.
///
/// It is never unmapped: cells and sections are plain addresses that stay good until the process ends,
/// so that counting needs no reference to be kept. A worker has one page, of some 8 KiB.
public final class StatsPage: Sendable {
    /// The sections, in the order of their declarations.
    public let sections: [StatsSection]
    private let names: [String]
    /// The page's size in bytes.
    public let size: Int

    /// Makes a page.
    ///
    /// - Parameters:
    ///   - declarations: the sections, each with a name of its own.
    ///   - path: the file, for its owner only, which must not exist; nil for memory of this process that
    ///     nobody else reads. The file's blocks are allocated here: a full disk is an error now and never later.
    public init(_ declarations: [StatsDeclaration], path: String? = nil) throws(SystemError) {
        var plan = PagePlan(declarations)
        plan.sign(
            process: HostProcess.identifier, bootTime: HostClock.bootNanoseconds(),
            monotonicTime: HostClock.monotonicNanoseconds(), realTime: HostClock.realNanoseconds())
        let mapping =
            if let path { try Mapping.newFile(path, size: plan.size) } else {
                try Mapping.anonymous(size: plan.size)
            }
        // SAFETY: the mapping is `plan.size` bytes, more than those of the tables.
        unsafe mapping.start.copyMemory(from: plan.bytes, byteCount: plan.bytes.count)
        // SAFETY: the mapping begins at a page, the plan's offsets are multiples of eight and in its size.
        let cells = unsafe mapping.start.assumingMemoryBound(to: Atomic<UInt64>.self)
        sections = plan.sections.map { section in
            // SAFETY: as above: the plan counted the cells of each section and the sequence.
            unsafe StatsSection(cells + section.offset / 8, cellCount: section.cells)
        }
        // SAFETY: the magic's place. Who sees the magic sees the tables.
        unsafe cells.pointee.store(PageFormat.magic, ordering: .releasing)
        names = declarations.map(\.name)
        size = plan.size
        mapping.leak()
    }

    /// The section that was declared by a name.
    public subscript(_ name: String) -> StatsSection? {
        names.firstIndex(of: name).map { sections[$0] }
    }

    /// A section that nobody reads: for a test of what counts.
    public static func detachedSection(_ shape: StatsShape) throws(SystemError) -> StatsSection {
        try StatsPage([StatsDeclaration("detached", shape)]).sections[0]
    }
}

import GuestMemory
import Introspection

/// A guest's memory with some pages changed, and with a note of which were read: what a kernel looks like that lies.
final class HostileMemory: PhysicalSource {
    let regions: [GuestRange]
    private let honest: any PhysicalSource
    private var changed: [UInt64: [UInt8]] = [:]
    /// The pages that were read page by page, in the order they were first: where a change is seen.
    private(set) var pages: [UInt64] = []
    private var known: Set<UInt64> = []

    init(_ honest: any PhysicalSource) {
        self.honest = honest
        regions = honest.regions
    }

    /// Forgets all changes.
    func restore() { changed = [:] }

    /// Changes eight bytes of a page; `offset` is taken modulo the page's size.
    func change(_ page: UInt64, _ offset: Int, _ body: (UInt64) -> UInt64) throws(ReadError) {
        var bytes = try copy(of: page)
        let offset = offset & 0xFF8
        let old = (0..<8).reduce(0 as UInt64) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        let new = body(old)
        for byte in 0..<8 { bytes[offset + byte] = UInt8(truncatingIfNeeded: new >> UInt64(8 * byte)) }
        changed[page] = bytes
    }

    /// The eight bytes at a place, as `change` counts it.
    func word(_ page: UInt64, _ offset: Int) throws(ReadError) -> UInt64 {
        let bytes = try copy(of: page)
        return (0..<8).reduce(0 as UInt64) { $0 | UInt64(bytes[(offset & 0xFF8) + $1]) << UInt64(8 * $1) }
    }

    private func copy(of page: UInt64) throws(ReadError) -> [UInt8] {
        if let bytes = changed[page] { return bytes }
        return try GuestImage(honest).bytes(at: GuestAddress(page << 12), count: 4096)
    }

    func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError) {
        try honest.copy(from: address, into: &bytes)
        guard !changed.isEmpty else { return }
        let end = address.rawValue + UInt64(bytes.byteCount)
        for (page, content) in changed where page << 12 < end && (page + 1) << 12 > address.rawValue {
            let first = max(page << 12, address.rawValue)
            for place in first..<min((page + 1) << 12, end) {
                bytes.storeBytes(
                    of: content[Int(place & 0xFFF)], toByteOffset: Int(place - address.rawValue),
                    as: UInt8.self)
            }
        }
    }

    func copyPages(_ pages: [UInt64], into bytes: inout MutableRawSpan) throws(ReadError) {
        for page in pages where known.insert(page).inserted { self.pages.append(page) }
        for (index, page) in pages.enumerated() {
            var part = bytes._mutatingExtracting(index * 4096..<(index + 1) * 4096)
            try copy(from: GuestAddress(page << 12), into: &part)
        }
    }
}

/// Finds its kernel once, and reads all its views again and again from memory that is changed each time.
final class HostileGuest {
    private let memory: HostileMemory
    private let registers: [ProcessorRegisters]
    private let profile: KnownProfile
    private let pages: [UInt64]
    /// How many reads a case may take: the views of an honest guest take some hundred thousand.
    private static let budget = 20_000_000

    /// Each view ended well in so many cases, and in so many not.
    private(set) var successes = 0
    private(set) var failures = 0

    init(_ dump: any PhysicalSource, registers: [ProcessorRegisters]) throws {
        memory = HostileMemory(dump)
        let kernel = try KernelLocator(GuestImage(memory), registers: registers).locate()
        // A search of all memory each time would leave no time for anything else.
        self.registers = registers.isEmpty ? [Self.processor(with: kernel)] : registers
        profile = KnownProfile(kernel.profile)
        AllViews(kernel: kernel, registers: self.registers) { _, _ in }.read()
        // Where a change is seen: what the kernel was found by comes first.
        pages = memory.pages
    }

    /// A virtual CPU of which only the kernel's page tables are known.
    private static func processor(with kernel: Kernel) -> ProcessorRegisters {
        ProcessorRegisters(
            isPaging: true, cr3: kernel.space.root.rawValue, hasFiveLevels: kernel.space.levels == 5,
            instruction: .null, stack: .null, frame: .null, privilegeLevel: 0, gsBase: .null,
            kernelGSBase: nil,
            systemCallEntry: nil, interruptTable: .null)
    }

    /// One change: what is done to eight bytes that views read.
    struct Change {
        /// Which of the pages that are read, and which eight bytes in it.
        var page: UInt32
        var offset: UInt16
        /// What is done.
        var kind: UInt8
        var argument: UInt64
    }

    /// Reads all views with these changes. Whatever they are, it ends, and without a trap.
    func read(_ changes: [Change]) {
        memory.restore()
        for change in changes {
            let page = pages[Int(change.page) % pages.count]
            // A page that cannot be read cannot be changed either.
            try? memory.change(page, Int(change.offset)) { [self] old in
                switch change.kind % 8 {
                case 0: old ^ 1 << (change.argument & 63)
                case 1: 0
                case 2: .max
                case 3: change.argument
                case 4: old &+ UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: change.argument)) &* 8)
                case 5: 0xFFFF_8880_0000_0000 | change.argument & 0x1FFF_FFFF
                // Another place's content: lists that run into each other, and round.
                case 6:
                    pointer(
                        change.argument,
                        in: pages[Int(truncatingIfNeeded: change.argument >> 32) % pages.count]) ?? old
                default: pointer(change.argument, in: page) ?? old
                }
            }
        }
        let image = GuestImage(memory, budget: Self.budget)
        guard let kernel = try? KernelLocator(image, registers: registers, store: profile).locate() else {
            return
        }
        AllViews(kernel: kernel, registers: registers) { [self] _, result in
            if case .success = result { successes += 1 } else { failures += 1 }
        }.read()
    }

    /// The first kernel pointer at or behind a place of a page.
    private func pointer(_ place: UInt64, in page: UInt64) -> UInt64? {
        for offset in 0..<64 {
            if let word = try? memory.word(page, Int(place & 0xFFF) + offset * 8), word >> 47 == 0x1_FFFF {
                return word
            }
        }
        return nil
    }
}

/// One profile, for any kernel that has its build id.
private struct KnownProfile: ProfileStore {
    private let profile: KernelProfile

    init(_ profile: KernelProfile) { self.profile = profile }

    func find(where hasBuildID: (Int, [UInt8]) -> Bool) -> KernelProfile? { profile }
}

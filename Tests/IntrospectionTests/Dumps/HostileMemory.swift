import GuestMemory
import Introspection

/// A guest's memory with some words of eight bytes changed, and with a note of which were read: what a kernel looks like that lies.
final class HostileMemory: PhysicalSource {
    let regions: [GuestRange]
    private let honest: any PhysicalSource
    /// What is changed in a page, by the word's place in it.
    private var changed: [UInt64: [Int: UInt64]] = [:]
    /// Pages as they are, once they were looked at.
    private var unchanged: [UInt64: [UInt8]] = [:]
    /// The pages that were read page by page, in the order they were first: where a change is seen.
    private(set) var pages: [UInt64] = []
    private var known: Set<UInt64> = []
    /// How often a page was read that is not what the guest had in it.
    private(set) var mutatedReads = 0

    init(_ honest: any PhysicalSource) {
        self.honest = honest
        regions = honest.regions
    }

    /// Forgets all changes.
    func restore() { changed = [:] }

    /// Forgets which pages were read.
    func forgetPages() {
        pages = []
        known = []
    }

    /// Changes eight bytes of a page; `offset` is taken modulo the page's size.
    func change(_ page: UInt64, _ offset: Int, _ body: (UInt64) -> UInt64) throws(ReadError) {
        changed[page, default: [:]][offset & 0xFF8] = body(try word(page, offset))
    }

    /// The eight bytes at a place, as `change` counts it.
    func word(_ page: UInt64, _ offset: Int) throws(ReadError) -> UInt64 {
        let offset = offset & 0xFF8
        if let word = changed[page]?[offset] { return word }
        let bytes = try unchanged(page)
        return (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private func unchanged(_ page: UInt64) throws(ReadError) -> [UInt8] {
        if let bytes = unchanged[page] { return bytes }
        let bytes = try GuestImage(honest).bytes(at: GuestAddress(page << 12), count: 4096)
        unchanged[page] = bytes
        return bytes
    }

    func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError) {
        try honest.copy(from: address, into: &bytes)
        guard !changed.isEmpty else { return }
        let end = address.rawValue + UInt64(bytes.byteCount)
        guard end > address.rawValue else { return }
        for page in address.rawValue >> 12...(end - 1) >> 12 {
            guard let words = changed[page] else { continue }
            mutatedReads += 1
            for (offset, word) in words {
                let place = page << 12 + UInt64(offset)
                // Of a word at the edge only a part may be asked for.
                for byte in max(place, address.rawValue)..<max(place, address.rawValue, min(place + 8, end)) {
                    bytes.storeBytes(
                        of: UInt8(truncatingIfNeeded: word >> (8 * (byte - place))),
                        toByteOffset: Int(byte - address.rawValue), as: UInt8.self)
                }
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

    /// How often all views were read.
    private(set) var cases = 0
    /// How often a page with a change in it was read for that.
    var mutatedReads: Int { memory.mutatedReads }
    /// How many views were read, and how many of them showed anything else than those of the honest guest.
    private(set) var views = 0
    private(set) var different = 0
    /// How many views were refused, which the honest guest's were not.
    private(set) var refused = 0
    private let honest: [String: Result<[[ViewField]], IntrospectionError>]

    init(_ dump: any PhysicalSource, registers: [ProcessorRegisters]) throws {
        memory = HostileMemory(dump)
        let kernel = try KernelLocator(GuestImage(memory), registers: registers).locate()
        // A search of all memory each time would leave no time for anything else.
        self.registers = registers.isEmpty ? [Self.processor(with: kernel)] : registers
        profile = KnownProfile(kernel.profile)
        // Where a change is seen: what a kernel is found by that is known, and what the views read. A search without
        // registers reads all memory, in which a change would hardly ever be met again.
        memory.forgetPages()
        let again = try KernelLocator(GuestImage(memory), registers: self.registers, store: profile).locate()
        var honest: [String: Result<[[ViewField]], IntrospectionError>] = [:]
        AllViews(kernel: again, registers: self.registers) { honest[$0] = $1 }.read()
        self.honest = honest
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

    /// What was done so far, in a line.
    var summary: String {
        "\(cases) cases, each of \(pages.count) pages, \(mutatedReads) mutated reads; "
            + "\(different) of \(views) views are other than the honest guest's, \(refused) of them refused"
    }

    /// Changes for every page that is read: each read is of a page that lies.
    func changesOfAllPages(_ random: inout some RandomNumberGenerator) -> [Change] {
        pages.indices.map { page in
            Change(
                page: UInt32(page), offset: .random(in: 0...(.max), using: &random),
                kind: .random(in: 0...(.max), using: &random), argument: random.next())
        }
    }

    /// Reads all views with these changes. Whatever they are, it ends, and without a trap.
    func read(_ changes: [Change]) {
        cases += 1
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
        AllViews(kernel: kernel, registers: registers) { [self] name, result in
            views += 1
            switch (result, honest[name]) {
            case (.success(let rows), .success(let right)?) where rows == right: break
            case (.failure, .success): (different, refused) = (different + 1, refused + 1)
            case (.failure, .failure): break
            default: different += 1
            }
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

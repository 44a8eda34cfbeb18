internal import GuestMemory

/// Finds a guest's kernel: its image, symbols and types.
public struct KernelLocator {
    private let image: GuestImage
    private let registers: [ProcessorRegisters]
    private let store: any ProfileStore

    /// - Parameters:
    ///   - registers: those of the virtual CPUs; empty if they are not known, as with a raw dump.
    ///   - store: where profiles of kernels are kept that were met before.
    public init(
        _ image: GuestImage, registers: [ProcessorRegisters], store: any ProfileStore = NoProfileStore()
    ) {
        self.image = image
        self.registers = registers
        self.store = store
    }

    /// Finds the kernel by the registers, or by what it left in the dump, or else by a search of all memory.
    public func locate() throws(IntrospectionError) -> Kernel {
        var without: ImageMapping?
        let found = try reading { () throws(ReadError) -> Kernel? in
            var seen: [ImageMapping] = []
            for space in spaces {
                guard let mapping = try? ImageMapping(in: space, of: image), mapping.size >= 8 << 20,
                    !seen.contains(where: { $0.start == mapping.start && $0.physical == mapping.physical })
                else { continue }
                if let kernel = try kernel(in: mapping) { return kernel }
                without = without ?? mapping
                seen.append(mapping)
            }
            guard registers.isEmpty, let (mapping, symbols) = try KernelSearch(image).find() else {
                return nil
            }
            return try kernel(mapping, symbols)
        }
        if let found { return found }
        if let without, let names = try? bannerName(in: without) {
            throw .missing("table of symbols that could be read (CONFIG_KALLSYMS): \(names)")
        }
        guard registers.isEmpty else { throw .notYet }
        throw .notLinux("its memory holds no table of kernel symbols")
    }

    /// Release and builder of a kernel that has no symbols; nil while there is none at all.
    private func bannerName(in mapping: ImageMapping) throws(ReadError) -> String? {
        let copy = try image.bulk(at: mapping.physical, count: clamped(mapping.physical, mapping.size))
        guard let place = ByteSearch.first(Array("Linux version ".utf8), in: copy) else { return nil }
        return ByteTable(copy).text(at: place)?.split(separator: "(").first.map(String.init)
    }

    /// The page tables in which a kernel may be found, each once: the virtual CPUs', and those that the
    /// kernel left word of in its dump.
    private var spaces: [AddressSpace] {
        var found: [AddressSpace] = []
        for cpu in registers where cpu.isPaging {
            let space = AddressSpace(cr3: cpu.cr3, hasFiveLevels: cpu.hasFiveLevels)
            // A processor in a program under page-table isolation maps next to nothing of the kernel.
            for candidate in [space.kernelHalf, space] where !found.contains(candidate) {
                found.append(candidate)
            }
        }
        if let dump = image.source as? DumpFile, let space = CrashNote(among: dump.notes)?.space {
            found.append(space)
        }
        return found
    }

    private func kernel(in mapping: ImageMapping) throws(ReadError) -> Kernel? {
        if let known = try knownProfile(of: mapping) {
            return Kernel(image: image, mapping: mapping, profile: known, isProfileNew: false)
        }
        // The tables are a quarter of the image, so first that; all of it where it is not told apart.
        for part in [mapping.constants, 0..<mapping.size] {
            guard let part else { continue }
            let start = GuestAddress(mapping.physical.rawValue &+ UInt64(part.lowerBound))
            let copy = try image.bulk(at: start, count: clamped(start, part.count))
            guard let symbols = try? KernelSymbols.read(copy, at: mapping.start + part.lowerBound) else {
                continue
            }
            return try kernel(mapping, symbols)
        }
        return nil
    }

    private func kernel(_ mapping: ImageMapping, _ symbols: SymbolTable) throws(ReadError) -> Kernel {
        let notes = try part("__start_notes", "__stop_notes", mapping, symbols) ?? []
        var buildID = BuildID.find(in: notes)
        let types = try part("__start_BTF", "__stop_BTF", mapping, symbols).flatMap { try? TypeTable($0) }
        var found = types
        if buildID == nil || found == nil {
            // Without CONFIG_KALLSYMS_ALL what the linker names has no symbols either.
            let copy = try image.bulk(at: mapping.physical, count: clamped(mapping.physical, mapping.size))
            buildID = buildID ?? BuildID.find(in: copy)
            found = found ?? TypeTable.find(in: copy)
        }
        let profile = KernelProfile(buildID: buildID ?? [], symbols: symbols, types: found)
        return Kernel(image: image, mapping: mapping, profile: profile, isProfileNew: true)
    }

    /// The bytes from one symbol to another; nil if there are no such symbols in the image.
    private func part(
        _ first: String, _ last: String, _ mapping: ImageMapping, _ symbols: SymbolTable
    ) throws(ReadError) -> [UInt8]? {
        guard let start = symbols.address(of: first), let end = symbols.address(of: last), end > start,
            let place = mapping.physical(of: start), mapping.physical(of: end - 1) != nil
        else { return nil }
        return try image.bulk(at: place, count: Int(end.rawValue - start.rawValue))
    }

    /// A profile met before: its build id must stand where that kernel has it.
    private func knownProfile(of mapping: ImageMapping) throws(ReadError) -> KernelProfile? {
        let match = store.find { (offset, id) in
            guard offset >= 0, offset < mapping.size,
                let bytes = try? image.bytes(
                    at: GuestAddress(mapping.physical.rawValue &+ UInt64(offset)), count: id.count)
            else { return false }
            return bytes == id
        }
        guard var profile = match else { return nil }
        profile.symbols.base = mapping.start
        return profile
    }

    private func clamped(_ address: GuestAddress, _ size: Int) -> Int {
        guard let region = image.regions.first(where: { $0.contains(address) }) else { return 0 }
        return min(size, Int(region.end.rawValue - address.rawValue))
    }
}

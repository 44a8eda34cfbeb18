public import GuestMemory

/// A Linux kernel found in a guest: what every view begins with.
///
/// Reading follows the kernel's own address spaces: its image, its map of all memory, and its page tables for
/// all else. `refresh` before each look at a running guest.
public final class Kernel {
    /// The guest's memory.
    public let image: GuestImage
    /// Where the kernel lies.
    public let mapping: ImageMapping
    /// Its symbols and types.
    public let profile: KernelProfile
    /// Whether the profile was read from this guest, and not kept from an earlier one.
    public let isProfileNew: Bool
    /// The kernel's own page tables.
    public let space: AddressSpace
    /// Where the kernel maps all physical memory: `page_offset_base`.
    public let directMap: VirtualAddress
    /// Where the page descriptors (`struct page`) begin: `vmemmap_base`.
    public let pageDescriptors: VirtualAddress

    init(image: GuestImage, mapping: ImageMapping, profile: KernelProfile, isProfileNew: Bool) {
        self.image = image
        self.mapping = mapping
        self.profile = profile
        self.isProfileNew = isProfileNew
        // The tables that were found may be a process's, which ends one day.
        let top = profile.symbols.address(of: "init_top_pgt") ?? profile.symbols.address(of: "swapper_pg_dir")
        space =
            top.flatMap { mapping.physical(of: $0) }
            .map { AddressSpace(root: $0, levels: mapping.space.levels) } ?? mapping.space
        func variable(_ name: String) -> VirtualAddress? {
            guard let address = profile.symbols.address(of: name),
                let place = mapping.physical(of: address),
                let value = try? image.load(UInt64.self, at: place), value >> 56 == 0xFF
            else { return nil }
            return VirtualAddress(value)
        }
        // The constants hold where neither is randomised (arch/x86/include/asm/page_64_types.h).
        let hasFiveLevels = mapping.space.levels == 5
        directMap =
            variable("page_offset_base")
            ?? VirtualAddress(hasFiveLevels ? 0xFF11_0000_0000_0000 : 0xFFFF_8880_0000_0000)
        pageDescriptors =
            variable("vmemmap_base")
            ?? VirtualAddress(hasFiveLevels ? 0xFFD4_0000_0000_0000 : 0xFFFF_EA00_0000_0000)
    }

    /// Where the build id lies, from the image's beginning; nil if it is not found again.
    var buildIDOffset: Int? {
        let id = profile.buildID
        guard !id.isEmpty, let first = symbols.address(of: "__start_notes"),
            let last = symbols.address(of: "__stop_notes"), last > first,
            last.rawValue - first.rawValue < 65_536,
            let notes = try? bytes(at: first, count: Int(last.rawValue - first.rawValue)),
            let place = BuildID.place(in: notes)
        else { return nil }
        return Int(truncatingIfNeeded: first.rawValue &- mapping.start.rawValue) + place
    }

    /// Symbols by name and address.
    public var symbols: SymbolTable { profile.symbols }

    /// How far the image is from where it lies without randomisation.
    public var virtualSlide: Int64 {
        Int64(bitPattern: mapping.start.rawValue &- ImageMapping.usualStart.rawValue)
    }

    /// How far the image is in memory from where it lies without randomisation.
    public var physicalSlide: Int64 {
        Int64(bitPattern: mapping.physical.rawValue &- 0x100_0000)
    }

    /// The next reads see the guest as it is then.
    public func refresh() { image.refresh() }

    // MARK: Addresses

    /// Where in memory a kernel address lies.
    public func physical(of address: VirtualAddress) throws(ReadError) -> GuestAddress {
        // Both stretches hold nearly everything; neither needs the page tables.
        let inDirectMap = address.rawValue &- directMap.rawValue
        if inDirectMap < AddressSpaceLayout.maximumSize { return GuestAddress(inDirectMap) }
        if let place = mapping.physical(of: address) { return place }
        return try space.translate(address, in: image).physical
    }

    /// The address of a global variable.
    public func address(of symbol: String) throws(IntrospectionError) -> VirtualAddress {
        guard let address = symbols.address(of: symbol) else {
            throw .missing(
                symbols.hasVariables
                    ? "symbol \(symbol)"
                    : "symbol \(symbol), for it was built without CONFIG_KALLSYMS_ALL and names no variables")
        }
        return address
    }

    /// The types; an error if the kernel carries none.
    public func types() throws(IntrospectionError) -> TypeTable {
        guard let types = profile.types else {
            throw .missing("description of its own types (CONFIG_DEBUG_INFO_BTF)")
        }
        return types
    }

    // MARK: Values

    /// Loads an integer at a kernel address.
    public func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at address: VirtualAddress
    ) throws(ReadError) -> Value {
        try image.load(type, at: address) { address throws(ReadError) in try physical(of: address) }
    }

    /// Loads a pointer at a kernel address.
    public func pointer(at address: VirtualAddress) throws(ReadError) -> VirtualAddress {
        VirtualAddress(try load(UInt64.self, at: address))
    }

    /// A member's value as a number, its sign extended if its type has one. Members of 1, 2, 4 and 8 bytes
    /// and bit fields.
    public func value(_ field: Field, at structure: VirtualAddress) throws(ReadError) -> Int64 {
        let address = structure + field.offset
        var value: Int64
        switch field.size {
        case 1: value = Int64(try load(UInt8.self, at: address))
        case 2: value = Int64(try load(UInt16.self, at: address))
        case 4: value = Int64(try load(UInt32.self, at: address))
        default: value = try load(Int64.self, at: address)
        }
        var width = min(max(field.size, 1), 8) * 8
        if let bits = field.bits, bits.upperBound <= 64 {
            value = value >> Int64(bits.lowerBound)
            width = bits.count
            if width < 64 { value &= (1 << Int64(width)) &- 1 }
        }
        guard field.isSigned, width < 64 else { return value }
        let unused = Int64(64 - width)
        return (value << unused) >> unused
    }

    /// A member that is a pointer.
    public func pointer(_ field: Field, at structure: VirtualAddress) throws(ReadError) -> VirtualAddress {
        try pointer(at: structure + field.offset)
    }

    /// A copy of bytes at a kernel address, across pages.
    public func bytes(at address: VirtualAddress, count: Int) throws(ReadError) -> [UInt8] {
        try image.bytes(at: address, count: count) { page throws(ReadError) in try physical(of: page) }
    }

    /// The text at a kernel address up to its zero byte or `limit`. Bytes that are no UTF-8 are replaced.
    public func text(at address: VirtualAddress, limit: Int = 4096) throws(ReadError) -> String {
        var bytes: [UInt8] = []
        var position = address
        while bytes.count < limit {
            let part = min(limit - bytes.count, GuestImage.pageSize - Int(position.rawValue & 0xFFF))
            let more = try self.bytes(at: position, count: part)
            if let end = more.firstIndex(of: 0) {
                bytes += more[..<end]
                break
            }
            bytes += more
            position = position + part
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of a member that is an array of characters.
    public func text(_ field: Field, at structure: VirtualAddress) throws(ReadError) -> String {
        let bytes = try bytes(at: structure + field.offset, count: field.size)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// A kernel's profile as a file: arrays one after the other, so that it is read without parsing.
///
/// ```
/// magic, version ─ checksum ─ counts ─ build id and its place ─ offsets ─ starts ─ index ─ sorted ─ names ─ BTF
/// ```
///
/// A file may be damaged or made by somebody else's hand: what does not add up is as if it were not there.
enum ProfileFile {
    private static let magic: UInt64 = 0x3250_4B54_534F_4F52  // "ROOSTKP2"
    private static let headSize = 96
    /// Larger ones are not ours.
    static let sizeLimit = 256 << 20

    /// What the head alone tells: enough to know whether a kernel is the one.
    struct Head {
        let buildID: [UInt8]
        /// Where the build id lies, from the image's beginning.
        let buildIDOffset: Int
        fileprivate let symbols: Int
        fileprivate let names: Int
        fileprivate let types: Int
        fileprivate let checksum: UInt64

        /// - Parameter bytes: at least the head.
        init?(_ bytes: [UInt8]) {
            let table = ByteTable(bytes)
            guard table.load(UInt64.self, at: 0) == ProfileFile.magic,
                let checksum = table.load(UInt64.self, at: 8),
                let symbols = table.load(UInt64.self, at: 16), symbols < 1 << 24,
                table.load(UInt64.self, at: 24) == symbols,
                let names = table.load(UInt64.self, at: 32), names < 1 << 31,
                let types = table.load(UInt64.self, at: 40), types < 1 << 31,
                let offset = table.load(UInt64.self, at: 48), offset < 1 << 30,
                let length = table.load(UInt64.self, at: 56), (1...32).contains(length),
                let id = table.slice(64, count: Int(length))
            else { return nil }
            self.checksum = checksum
            self.symbols = Int(symbols)
            self.names = Int(names)
            self.types = Int(types)
            buildID = Array(id)
            buildIDOffset = Int(offset)
        }
    }

    static var headBytes: Int { headSize }

    /// The file's content. Nil for a kernel without a build id: it cannot be known again.
    static func write(_ profile: KernelProfile, buildIDOffset: Int) -> [UInt8]? {
        guard (1...32).contains(profile.buildID.count) else { return nil }
        let symbols = profile.symbols
        let types = profile.types?.table.bytes ?? []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headSize + symbols.count * 24 + symbols.names.count + types.count)
        bytes.append(littleEndian: magic)
        bytes.append(littleEndian: UInt64(0))
        for count in [
            symbols.count, symbols.byName.entries.count, symbols.names.count, types.count, buildIDOffset,
            profile.buildID.count,
        ] {
            bytes.append(littleEndian: UInt64(count))
        }
        bytes += profile.buildID
        bytes += repeatElement(0, count: headSize - bytes.count)
        append(array: symbols.offsets, to: &bytes)
        append(array: symbols.starts, to: &bytes)
        append(array: symbols.byName.entries, to: &bytes)
        append(array: symbols.sorted, to: &bytes)
        bytes += symbols.names
        bytes += types
        let sum = checksum(bytes)
        for index in 0..<8 { bytes[8 + index] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * index)) }
        return bytes
    }

    /// The profile in a file; nil if anything about it does not add up.
    static func read(_ bytes: [UInt8]) -> KernelProfile? {
        guard let head = Head(bytes) else { return nil }
        var position = headSize
        func take(_ count: Int, _ width: Int) -> Range<Int> {
            defer { position += count * width }
            return position..<position + count * width
        }
        let offsets = take(head.symbols, 8)
        let starts = take(head.symbols + 1, 4)
        let index = take(head.symbols, 8)
        let sorted = take(head.symbols, 4)
        let names = take(head.names, 1)
        let types = take(head.types, 1)
        guard position == bytes.count, checksum(bytes) == head.checksum else { return nil }
        guard
            let symbols = SymbolTable(
                base: .null, offsets: array(Int64.self, bytes, offsets),
                names: Array(bytes[names]), starts: array(UInt32.self, bytes, starts),
                index: array(UInt64.self, bytes, index), sorted: array(UInt32.self, bytes, sorted))
        else { return nil }
        var table: TypeTable?
        if !types.isEmpty {
            guard let read = try? TypeTable(Array(bytes[types])) else { return nil }
            table = read
        }
        return KernelProfile(buildID: head.buildID, symbols: symbols, types: table)
    }

    // MARK: Numbers

    private static func append<Value: FixedWidthInteger & BitwiseCopyable>(
        array: [Value], to bytes: inout [UInt8]
    ) {
        // SAFETY: integers are read as bytes for the length of the call. x86-64 alone is supported: memory is
        // little-endian.
        unsafe array.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    private static func array<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, _ bytes: [UInt8], _ range: Range<Int>
    ) -> [Value] {
        let count = range.count / MemoryLayout<Value>.size
        return unsafe [Value](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe bytes.withUnsafeBytes { source in
                // SAFETY: the range was checked against the file's size; both sides are `range.count` bytes.
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[range]))
            }
            filled = count
        }
    }

    /// Of everything but itself: FNV-1a over words, for damage and not for malice.
    private static func checksum(_ bytes: [UInt8]) -> UInt64 {
        let table = ByteTable(bytes)
        let prime: UInt64 = 0x100_0000_01B3
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        // Two at a time: a processor multiplies them at once.
        var other = value
        var position = 16
        while let word = table.load(UInt64.self, at: position),
            let next = table.load(UInt64.self, at: position + 8)
        {
            value = (value ^ word) &* prime
            value ^= value >> 29
            other = (other ^ next) &* prime
            other ^= other >> 29
            position += 16
        }
        value = (value ^ other) &* prime
        while position < bytes.count {
            value = (value ^ UInt64(bytes[position])) &* prime
            position += 1
        }
        return value
    }
}

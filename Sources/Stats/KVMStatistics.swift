/// The kernel's own numbers of a virtual machine or a virtual CPU, as a descriptor of
/// `KVM_GET_STATS_FD` gives them (Linux, Documentation/virt/kvm/api.rst, 4.133). The format describes
/// itself, so numbers that newer kernels add are here too.
public struct KVMStatistics: Sendable, Equatable {
    /// How a number changes.
    public enum Kind: UInt32, Sendable {
        /// Only grows.
        case cumulative = 0
        /// What is, now.
        case instant = 1
        /// The greatest so far.
        case peak = 2
        /// Buckets of one width.
        case linearHistogram = 3
        /// Buckets of powers of two.
        case logarithmicHistogram = 4
    }

    /// What a number counts, before the power is applied.
    public enum Unit: UInt32, Sendable {
        /// Events or things.
        case none = 0
        /// Bytes.
        case bytes = 1
        /// Seconds.
        case seconds = 2
        /// Processor cycles.
        case cycles = 3
        /// 0 or 1.
        case boolean = 4
    }

    /// One number, or histogram.
    public struct Value: Sendable, Equatable {
        /// The kernel's name.
        public let name: String
        /// How it changes; nil for a kind this version does not know.
        public let kind: Kind?
        /// What it counts; nil for a unit this version does not know.
        public let unit: Unit?
        /// The unit's power: of ten, or of two for bytes and the like. Nanoseconds are seconds by ten to the -9.
        public let exponent: Int
        /// Whether the power is one of two.
        public let isBinaryPower: Bool
        /// A linear histogram's width of a bucket.
        public let bucketSize: Int
        /// One number, or a histogram's buckets.
        public let cells: [UInt64]
    }

    /// Whose numbers: `kvm-1234`, `kvm-1234/vcpu-0`.
    public let identity: String
    /// The numbers, in the kernel's order.
    public let values: [Value]

    /// The most bytes that are read of such a descriptor.
    public static let mostBytes = 256 << 10

    /// A number by name; nil if there is none, or it is a histogram.
    public subscript(_ name: String) -> UInt64? {
        guard let value = values.first(where: { $0.name == name }), value.cells.count == 1 else { return nil }
        return value.cells[0]
    }

    /// Reads the whole of what the descriptor gives.
    ///
    /// - Returns: nil if it is not of that format.
    public init?(_ bytes: [UInt8]) {
        let source = LittleEndianBytes(bytes)
        // struct kvm_stats_header: flags, name_size, num_desc, id_offset, desc_offset, data_offset.
        guard let flags = source.field(at: 0), let nameSize = source.field(at: 4),
            let count = source.field(at: 8), let identityOffset = source.field(at: 12),
            let descriptors = source.field(at: 16), let data = source.field(at: 20)
        else { return nil }
        guard flags == 0, nameSize > 0, nameSize <= 4096,
            count <= bytes.count / (Self.descriptorSize + nameSize),
            let identity = source.text(at: identityOffset, limit: nameSize)
        else { return nil }
        var values: [Value] = []
        values.reserveCapacity(count)
        var cellsLeft = bytes.count / 8
        for index in 0..<count {
            let place = descriptors + index * (Self.descriptorSize + nameSize)
            guard let value = Self.value(source, at: place, nameSize: nameSize, data: data, cells: &cellsLeft)
            else { return nil }
            values.append(value)
        }
        self.identity = identity
        self.values = values
    }

    /// `struct kvm_stats_desc` without its name.
    private static let descriptorSize = 16

    private static func value(
        _ source: LittleEndianBytes, at place: Int, nameSize: Int, data: Int, cells left: inout Int
    ) -> Value? {
        guard let flags = source.integer(UInt32.self, at: place),
            let exponent = source.integer(Int16.self, at: place + 4),
            let size = source.integer(UInt16.self, at: place + 6),
            let offset = source.field(at: place + 8), let bucketSize = source.field(at: place + 12),
            let name = source.text(at: place + descriptorSize, limit: nameSize), !name.isEmpty
        else { return nil }
        // Descriptors that all name the same data make no more of it than was read.
        left -= Int(size)
        guard left >= 0 else { return nil }
        var cells: [UInt64] = []
        for index in 0..<Int(size) {
            guard let cell = source.integer(UInt64.self, at: data + offset + index * 8) else { return nil }
            cells.append(cell)
        }
        return Value(
            name: name, kind: Kind(rawValue: flags & 0xF), unit: Unit(rawValue: flags >> 4 & 0xF),
            exponent: Int(exponent), isBinaryPower: flags >> 8 & 0xF == 1, bucketSize: bucketSize,
            cells: cells)
    }
}

extension LittleEndianBytes {
    /// A C string of printable ASCII in a field; nil if it is something else.
    fileprivate func text(at offset: Int, limit: Int) -> String? {
        guard let field = slice(at: offset, count: limit) else { return nil }
        let text = field.prefix { $0 != 0 }
        guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}

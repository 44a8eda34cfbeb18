/// What a device takes of ports, memory and interrupts, as its `_CRS` object says it
/// (ACPI 6.5, 6.4).
enum ResourceDescriptor {
    /// Consecutive ports, decoded with 16 bits.
    case ports(UInt16, count: UInt8)
    /// Writable memory below 4 GiB.
    case memory(base: UInt32, size: UInt32)
    /// A global system interrupt: edge-triggered, active high, not shared.
    case interrupt(UInt32)

    fileprivate func append(to bytes: inout [UInt8]) {
        switch self {
        case .ports(let first, let count):
            bytes += [0x47, 1]
            bytes.append(integer: first)
            bytes.append(integer: first)
            bytes += [1, count]  // Alignment, length.
        case .memory(let base, let size):
            bytes += [0x86, 9, 0, 1]  // Its length in 16 bits; writable.
            bytes.append(integer: base)
            bytes.append(integer: size)
        case .interrupt(let number):
            bytes += [0x89, 6, 0, 0b0011, 1]  // Its length in 16 bits; consumer, edge; one of them.
            bytes.append(integer: number)
        }
    }
}

extension AML {
    /// A `_CRS` object.
    static func currentResources(_ descriptors: [ResourceDescriptor]) -> AML {
        var bytes: [UInt8] = []
        for descriptor in descriptors {
            descriptor.append(to: &bytes)
        }
        bytes += [0x79, 0]  // The end; a checksum of zero is not checked.
        return .name("_CRS", .buffer(bytes))
    }
}

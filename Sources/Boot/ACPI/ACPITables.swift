internal import GuestMemory

/// The ACPI tables of a machine (ACPI 6.5, 5.2): of the hardware-reduced kind, so that there is no
/// legacy interrupt controller, timer or event hardware behind them.
struct ACPITables {
    private let configuration: ACPIConfiguration

    /// Throws if the configuration describes what cannot exist.
    init(_ configuration: ACPIConfiguration) throws(BootError) {
        try configuration.validate()
        self.configuration = configuration
    }

    /// One table with its place.
    struct Table: Equatable {
        /// The four letters ACPI knows it by; `RSDP` for the root pointer, which has eight others.
        let signature: String
        /// The first byte's address in guest memory.
        let address: UInt64
        /// The table with its header and checksum.
        let bytes: [UInt8]
    }

    /// The tables as they lie from `base`, the root pointer first.
    /// - Parameter base: a multiple of 16, so low that all tables are below 4 GiB.
    func tables(at base: UInt64) -> [Table] {
        let rootPointerSize: UInt64 = 36
        var next = base + rootPointerSize
        var tables: [Table] = []
        func add(_ signature: String, _ bytes: [UInt8]) -> UInt64 {
            let address = (next + 15) & ~15
            tables.append(Table(signature: signature, address: address, bytes: bytes))
            next = address + UInt64(bytes.count)
            return address
        }
        // From the leaves up, as each names the address of another.
        let namespace = add("DSDT", MachineNamespace(configuration).table)
        let interrupts = add("APIC", InterruptDescription(processorCount: configuration.processorCount).table)
        let fixed = add(
            "FACP", FixedDescription(namespaceAddress: namespace, hasClock: configuration.hasClock).table)
        let root = add("XSDT", Self.rootTable([fixed, interrupts]))
        tables.insert(Table(signature: "RSDP", address: base, bytes: Self.rootPointer(to: root)), at: 0)
        return tables
    }

    /// All tables in one run of bytes as they lie from `base`, zeros between them.
    func bytes(at base: GuestAddress) -> [UInt8] {
        var bytes: [UInt8] = []
        for table in tables(at: base.rawValue) {
            let offset = Int(table.address - base.rawValue)
            bytes += repeatElement(0, count: offset - bytes.count)
            bytes += table.bytes
        }
        return bytes
    }

    /// The XSDT: the addresses of the other tables (ACPI 6.5, 5.2.8).
    private static func rootTable(_ addresses: [UInt64]) -> [UInt8] {
        var body: [UInt8] = []
        for address in addresses {
            body.append(integer: address)
        }
        return ACPITable.bytes(signature: "XSDT", revision: 1, body: body)
    }

    /// The RSDP, which has two checksums: over the twenty bytes of its first revision, and over all
    /// (ACPI 6.5, 5.2.5.3).
    private static func rootPointer(to rootTable: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: "RSD PTR ", paddedTo: 8)
        bytes.append(0)
        bytes.append(text: ACPITable.maker, paddedTo: 6)
        bytes.append(2)
        bytes.append(integer: 0 as UInt32)  // No RSDT: it is for 32-bit addresses only.
        bytes[8] = ACPITable.checksum(bytes)
        bytes.append(integer: 36 as UInt32)
        bytes.append(integer: rootTable)
        bytes += [0, 0, 0, 0]
        bytes[32] = ACPITable.checksum(bytes)
        return bytes
    }
}

/// What all tables but the root pointer begin with (ACPI 6.5, 5.2.6).
enum ACPITable {
    static let headerSize = 36
    static let maker = "ROOST"
    private static let model = "ROOSTVM"
    private static let version: UInt32 = 1

    /// The table with its header.
    static func bytes(signature: String, revision: UInt8, body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: signature, paddedTo: 4)
        bytes.append(integer: UInt32(headerSize + body.count))
        bytes += [revision, 0]
        bytes.append(text: maker, paddedTo: 6)
        bytes.append(text: model, paddedTo: 8)
        bytes.append(integer: version)
        bytes.append(text: "RST", paddedTo: 4)  // Who made the tables out of the description: we.
        bytes.append(integer: version)
        bytes += body
        bytes[9] = checksum(bytes)
        return bytes
    }

    /// The byte that makes the sum of all zero.
    static func checksum(_ bytes: [UInt8]) -> UInt8 {
        0 &- bytes.reduce(0, &+)
    }
}

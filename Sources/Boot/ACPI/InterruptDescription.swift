internal import X86

/// The MADT: processors and interrupt controllers (ACPI 6.5, 5.2.12). There is no PIC, and no
/// interrupt is wired to another input than its own.
struct InterruptDescription {
    /// How many processors; their APIC identifiers count from 0.
    let processorCount: Int

    private static let enabled: UInt32 = 1
    /// Identifiers from here do not fit the older kind of entry.
    private static let firstX2Identifier: UInt32 = 255

    var table: [UInt8] {
        var body: [UInt8] = []
        body.append(integer: PCPlatform.localAPICAddress)
        body.append(integer: 0 as UInt32)  // PCAT_COMPAT is not set.
        for identifier in 0..<UInt32(processorCount) {
            if identifier < Self.firstX2Identifier {
                body += [0, 8, UInt8(identifier), UInt8(identifier)]
                body.append(integer: Self.enabled)
            } else {
                body += [9, 16, 0, 0]
                body.append(integer: identifier)
                body.append(integer: Self.enabled)
                body.append(integer: identifier)
            }
        }
        body += [1, 12, PCPlatform.ioAPICIdentifier, 0]
        body.append(integer: PCPlatform.ioAPICAddress)
        body.append(integer: 0 as UInt32)  // Its inputs are the global system interrupts from 0.
        return ACPITable.bytes(signature: "APIC", revision: 5, body: body)
    }
}

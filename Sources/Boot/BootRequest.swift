public import GuestMemory

/// Which protocol the kernel shall be entered by.
public enum BootProtocolChoice: String, CaseIterable, Sendable {
    /// PVH if the kernel has its note, the Linux 64-bit protocol otherwise.
    case automatic
    /// PVH; a kernel without its note is refused.
    case pvh
    /// The Linux 64-bit protocol, whether or not the kernel has a PVH note.
    case linux64
}

/// Everything the plan of a boot depends on.
public struct BootRequest {
    /// The kernel's image.
    public var kernel: any ImageSource
    /// The initial RAM disk's size in bytes; nil if there is none.
    public var initrdSize: UInt64?
    /// The kernel command line, with no terminating NUL.
    public var commandLine: [UInt8]
    /// Where the guest's RAM lies.
    public var layout: AddressSpaceLayout
    /// What the ACPI tables shall describe; nil for none.
    public var acpi: ACPIConfiguration?
    /// Which protocol is wished.
    public var protocolChoice: BootProtocolChoice

    /// A request; all but the kernel and the RAM may be left out.
    public init(
        kernel: any ImageSource, layout: AddressSpaceLayout, initrdSize: UInt64? = nil,
        commandLine: [UInt8] = [], acpi: ACPIConfiguration? = nil,
        protocolChoice: BootProtocolChoice = .automatic
    ) {
        self.kernel = kernel
        self.initrdSize = initrdSize
        self.commandLine = commandLine
        self.layout = layout
        self.acpi = acpi
        self.protocolChoice = protocolChoice
    }
}

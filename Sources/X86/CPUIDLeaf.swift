/// One entry of the table that the CPUID instruction shows (Intel SDM vol. 2, CPUID).
public struct CPUIDLeaf: Equatable, Sendable {
    /// What the guest puts into EAX.
    public var leaf: UInt32
    /// What the guest puts into ECX, if the leaf has sub-leaves.
    public var subleaf: UInt32
    /// Whether the sub-leaf matters for this leaf.
    public var hasSubleaves: Bool
    /// The answer in EAX.
    public var eax: UInt32
    /// The answer in EBX.
    public var ebx: UInt32
    /// The answer in ECX.
    public var ecx: UInt32
    /// The answer in EDX.
    public var edx: UInt32

    /// An entry; registers left out are zero.
    public init(
        leaf: UInt32, subleaf: UInt32 = 0, hasSubleaves: Bool = false, eax: UInt32 = 0, ebx: UInt32 = 0,
        ecx: UInt32 = 0, edx: UInt32 = 0
    ) {
        self.leaf = leaf
        self.subleaf = subleaf
        self.hasSubleaves = hasSubleaves
        self.eax = eax
        self.ebx = ebx
        self.ecx = ecx
        self.edx = edx
    }
}

internal import X86

/// What the guest's processors say of themselves: KVM's table for this host, with what depends on the
/// machine filled in. Pure.
struct ProcessorFeatures {
    private let supported: [CPUIDLeaf]
    private let count: UInt32
    private let timestampKilohertz: UInt32?
    /// Bits of an APIC identifier that tell the processors of the one package apart.
    private let packageShift: UInt32

    /// The leaf with clock frequencies, defined by VMware and taken over by KVM's users.
    private static let clockLeaf: UInt32 = 0x4000_0010
    private static let hypervisorLeaf: UInt32 = 0x4000_0000
    /// KVM's local APIC timer counts nanoseconds.
    private static let apicBusKilohertz: UInt32 = 1_000_000

    /// - Parameters:
    ///   - supported: KVM's table for this host.
    ///   - count: the machine's processors, 1 to 255.
    ///   - timestampKilohertz: the time-stamp counter's frequency, if it is known.
    init(supported: [CPUIDLeaf], count: Int, timestampKilohertz: UInt32?) {
        self.supported = supported
        self.count = UInt32(count)
        self.timestampKilohertz = timestampKilohertz
        packageShift = UInt32(32 - UInt32(count - 1).leadingZeroBitCount)
    }

    /// Whether a table is that of a processor which `kvm_intel` may drive: any but AMD's and Hygon's (leaf 0 has
    /// the vendor's name, its first letters in EBX).
    static func mayBeIntel(_ supported: [CPUIDLeaf]) -> Bool {
        let (auth, hygo): (UInt32, UInt32) = (0x6874_7541, 0x6F67_7948)
        return supported.first { $0.leaf == 0 }.map { $0.ebx != auth && $0.ebx != hygo } ?? true
    }

    /// The table of one processor.
    func leaves(apicIdentifier: UInt32) -> [CPUIDLeaf] {
        var leaves: [CPUIDLeaf] = []
        leaves.reserveCapacity(supported.count + 4)
        for var leaf in supported {
            switch leaf.leaf {
            case 0x1: setBasicFeatures(&leaf, apicIdentifier)
            case 0x4: setIntelCacheSharing(&leaf)
            case 0xB, 0x1F, Self.clockLeaf: continue
            case Self.hypervisorLeaf where timestampKilohertz != nil: leaf.eax = max(leaf.eax, Self.clockLeaf)
            case 0x8000_0008: leaf.ecx = leaf.ecx & ~0xF0FF | (count - 1) & 0xFF | packageShift << 12
            case 0x8000_001D: setAMDCacheSharing(&leaf)
            case 0x8000_001E:
                leaf.eax = apicIdentifier
                leaf.ebx = apicIdentifier & 0xFF
                leaf.ecx = 0
            default: break
            }
            leaves.append(leaf)
        }
        let maximum = supported.first { $0.leaf == 0 }?.eax ?? 0
        if maximum >= 0xB { leaves += topology(apicIdentifier) }
        if let timestampKilohertz {
            leaves.append(
                CPUIDLeaf(leaf: Self.clockLeaf, eax: timestampKilohertz, ebx: Self.apicBusKilohertz))
        }
        return leaves
    }

    /// Leaf 1: identifier, number of processors, and the features KVM provides without listing them.
    private func setBasicFeatures(_ leaf: inout CPUIDLeaf, _ apicIdentifier: UInt32) {
        leaf.ebx = leaf.ebx & 0xFFFF | min(count, 255) << 16 | apicIdentifier << 24
        leaf.edx = count > 1 ? leaf.edx | 1 << 28 : leaf.edx & ~(1 << 28)
        let x2apic: UInt32 = 1 << 21
        let timestampDeadline: UInt32 = 1 << 24
        let hypervisor: UInt32 = 1 << 31
        leaf.ecx |= x2apic | timestampDeadline | hypervisor
    }

    /// Leaf 4: first and second level caches belong to one processor, the third to all.
    private func setIntelCacheSharing(_ leaf: inout CPUIDLeaf) {
        guard leaf.eax & 0x1F != 0 else { return }
        let level = leaf.eax >> 5 & 7
        let sharing = level >= 3 ? count - 1 : 0
        leaf.eax = leaf.eax & 0x3FFF | sharing << 14 | min(count - 1, 63) << 26
    }

    /// Leaf 0x8000001D, AMD's counterpart of leaf 4.
    private func setAMDCacheSharing(_ leaf: inout CPUIDLeaf) {
        guard leaf.eax & 0x1F != 0 else { return }
        let level = leaf.eax >> 5 & 7
        leaf.eax = leaf.eax & 0x3FFF | (level >= 3 ? count - 1 : 0) << 14
    }

    /// Leaf 0xB (Intel SDM vol. 2): one thread a core, all cores in one package.
    private func topology(_ apicIdentifier: UInt32) -> [CPUIDLeaf] {
        let threadLevel: UInt32 = 1 << 8
        let coreLevel: UInt32 = 2 << 8
        return [
            CPUIDLeaf(
                leaf: 0xB, subleaf: 0, hasSubleaves: true, eax: 0, ebx: 1, ecx: threadLevel,
                edx: apicIdentifier),
            CPUIDLeaf(
                leaf: 0xB, subleaf: 1, hasSubleaves: true, eax: packageShift, ebx: count, ecx: coreLevel | 1,
                edx: apicIdentifier),
            CPUIDLeaf(leaf: 0xB, subleaf: 2, hasSubleaves: true, ecx: 2, edx: apicIdentifier),
        ]
    }
}

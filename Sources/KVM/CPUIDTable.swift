internal import CKVM
internal import X86

/// `struct kvm_cpuid2` with its array, in memory of its own.
@safe
struct CPUIDTable: ~Copyable {
    let block: UnsafeMutableRawPointer
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        let size = ckvm_cpuid2_header_size + capacity * MemoryLayout<kvm_cpuid_entry2>.stride
        unsafe block = .allocate(byteCount: size, alignment: MemoryLayout<kvm_cpuid_entry2>.alignment)
        // SAFETY: the block is `size` bytes; the header is two 32-bit words, the first is the count.
        unsafe block.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        unsafe block.storeBytes(of: UInt32(capacity), as: UInt32.self)
    }

    init(_ leaves: [CPUIDLeaf]) {
        self.init(capacity: leaves.count)
        for (index, leaf) in leaves.enumerated() {
            var entry = kvm_cpuid_entry2()
            entry.function = leaf.leaf
            entry.index = leaf.subleaf
            entry.flags = leaf.hasSubleaves ? UInt32(KVM_CPUID_FLAG_SIGNIFCANT_INDEX) : 0
            entry.eax = leaf.eax
            entry.ebx = leaf.ebx
            entry.ecx = leaf.ecx
            entry.edx = leaf.edx
            // SAFETY: index < capacity.
            unsafe entries[index] = entry
        }
    }

    deinit {
        unsafe block.deallocate()
    }

    private var entries: UnsafeMutablePointer<kvm_cpuid_entry2> {
        unsafe (block + ckvm_cpuid2_header_size).assumingMemoryBound(to: kvm_cpuid_entry2.self)
    }

    /// The entries the kernel has filled in.
    var leaves: [CPUIDLeaf] {
        // SAFETY: the kernel never claims more entries than the capacity it was told.
        let count = unsafe min(Int(block.load(as: UInt32.self)), capacity)
        return (0..<count).map { index in
            let entry = unsafe entries[index]
            return CPUIDLeaf(
                leaf: entry.function, subleaf: entry.index,
                hasSubleaves: entry.flags & UInt32(KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0,
                eax: entry.eax, ebx: entry.ebx, ecx: entry.ecx, edx: entry.edx)
        }
    }
}

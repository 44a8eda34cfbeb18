internal import CKVM

/// A `kvm_msrs`: two 32-bit words, the first the number of entries, and the entries.
@safe
struct ModelSpecificRegisterBlock: ~Copyable {
    let start: UnsafeMutableRawPointer
    private let count: Int
    private static let entrySize = MemoryLayout<kvm_msr_entry>.stride

    init(_ values: [(index: UInt32, value: UInt64)]) {
        count = values.count
        unsafe start = UnsafeMutableRawPointer.allocate(
            byteCount: ckvm_msrs_header_size + values.count * Self.entrySize,
            alignment: MemoryLayout<kvm_msr_entry>.alignment)
        // SAFETY: the block is a header of two words and an entry for each value.
        unsafe start.storeBytes(of: UInt32(values.count), as: UInt32.self)
        unsafe start.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
        for (position, item) in values.enumerated() {
            let entry = kvm_msr_entry(index: item.index, reserved: 0, data: item.value)
            unsafe (start + ckvm_msrs_header_size + position * Self.entrySize).storeBytes(
                of: entry, as: kvm_msr_entry.self)
        }
    }

    deinit {
        // SAFETY: allocated above, and nobody keeps the pointer.
        unsafe start.deallocate()
    }

    /// The value of an entry.
    func value(_ position: Int) -> UInt64 {
        precondition(position >= 0 && position < count)
        // SAFETY: the precondition.
        return unsafe (start + ckvm_msrs_header_size + position * Self.entrySize).load(
            as: kvm_msr_entry.self
        ).data
    }
}

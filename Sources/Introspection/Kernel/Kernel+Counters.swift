extension Kernel {
    /// A number that must not be negative: counters that several processors change may be for a moment, and
    /// the kernel itself then tells 0.
    func counter(at address: VirtualAddress) throws(ReadError) -> UInt64 {
        UInt64(max(0, try load(Int64.self, at: address)))
    }
}

internal import GuestMemory

/// Bytes of the guest, by physical address or through the page tables of the kernel or a process.
public struct BytesView {
    private let kernel: Kernel

    /// How much is read at once at most: 16 MiB.
    public static let longestRead = 16 << 20

    /// Nothing can be missing: kernels without BTF only have no processes to name.
    public init(_ kernel: Kernel) {
        self.kernel = kernel
    }

    /// Reads bytes.
    ///
    /// - Parameters:
    ///   - address: physical or virtual, as `scope` says.
    ///   - count: how many, up to `longestRead`.
    /// - Throws: `read(.notMapped)` or `read(.notMemory)` with the first address that cannot be read;
    ///   `notFound` if there is no such process.
    public func read(
        _ address: UInt64, count: Int, in scope: AddressScope
    ) throws(IntrospectionError) -> HexDump {
        guard count >= 0, count <= Self.longestRead else {
            throw .notFound("\(count) bytes are more than can be read at once: \(Self.longestRead)")
        }
        guard !address.addingReportingOverflow(UInt64(count)).overflow || address &+ UInt64(count) == 0 else {
            throw .notFound("the \(count) bytes from \(VirtualAddress(address)) go beyond the last address")
        }
        if scope == .physical {
            return try reading { () throws(ReadError) in
                HexDump(
                    address: address,
                    bytes: try kernel.image.bytes(at: GuestAddress(address), count: count))
            }
        }
        let space = try space(scope)
        return try reading { () throws(ReadError) in
            let bytes = try kernel.image.bytes(at: VirtualAddress(address), count: count) {
                page throws(ReadError) in try space.translate(page, in: kernel.image).physical
            }
            return HexDump(address: address, bytes: bytes)
        }
    }

    /// The page tables of a scope; the kernel's for physical addresses.
    func space(_ scope: AddressScope) throws(IntrospectionError) -> AddressSpace {
        guard case .process(let number) = scope else { return kernel.space }
        let tasks = try TaskList(kernel)
        let tables = try kernel.types().required("pgd", of: "mm_struct")
        let task = try tasks.task(number)
        return try reading { () throws(ReadError) in
            // A thread of the kernel has no tables of its own, and who has ended none any more.
            guard let memory = try tasks.memory(ofTask: task) else { return kernel.space }
            return try UserMemory(kernel, tables: tables, memory: memory).space
        }
    }
}

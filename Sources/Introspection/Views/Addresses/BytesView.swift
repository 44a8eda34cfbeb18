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
            return try IntrospectionError.wrapping { () throws(ReadError) in
                HexDump(
                    address: address,
                    bytes: try kernel.image.bytes(at: GuestAddress(address), count: count))
            }
        }
        let space = try space(scope)
        return try IntrospectionError.wrapping { () throws(ReadError) in
            var bytes: [UInt8] = []
            var position = VirtualAddress(address)
            while bytes.count < count {
                let part = min(count - bytes.count, 4096 - Int(position.rawValue & 0xFFF))
                let place = try space.translate(position, in: kernel.image).physical
                try kernel.image.append(to: &bytes, from: place, count: part)
                position = position + part
            }
            return HexDump(address: address, bytes: bytes)
        }
    }

    /// The page tables of a scope; the kernel's for physical addresses.
    func space(_ scope: AddressScope) throws(IntrospectionError) -> AddressSpace {
        guard case .process(let number) = scope else { return kernel.space }
        let finder = try TaskFinder(kernel)
        let task = try finder.task(number)
        return try IntrospectionError.wrapping { () throws(ReadError) in try finder.space(of: task) }
    }
}

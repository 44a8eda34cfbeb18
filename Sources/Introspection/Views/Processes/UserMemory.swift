internal import GuestMemory

/// A process's own memory, read through the process's own page tables.
///
/// Only what lies in RAM can be read: pages that are swapped out, or that the process never touched, are
/// `notMapped`.
public struct UserMemory {
    private let kernel: Kernel
    /// The process's page tables.
    public let space: AddressSpace

    /// The memory of the process of this number, in the first PID namespace.
    ///
    /// - Throws: `notFound` if there is no such process, or it has no memory of its own.
    public init(_ kernel: Kernel, process number: Int32) throws(IntrospectionError) {
        let tables = try kernel.types().required("pgd", of: "mm_struct")
        let memory = try TaskList(kernel).memory(of: number)
        self = try reading { () throws(ReadError) in
            try UserMemory(kernel, tables: tables, memory: memory)
        }
    }

    /// - Parameters:
    ///   - tables: `mm_struct.pgd`.
    ///   - memory: where the `mm_struct` lies.
    init(_ kernel: Kernel, tables: Field, memory: VirtualAddress) throws(ReadError) {
        let top = try kernel.pointer(tables, at: memory)
        guard top.isKernel, top.rawValue & 0xFFF == 0 else {
            throw .inconsistent("the page tables of a process are at \(top)")
        }
        self.kernel = kernel
        space = AddressSpace(root: try kernel.physical(of: top), levels: kernel.mapping.space.levels)
    }

    /// A copy of the process's bytes, across pages.
    ///
    /// - Parameter count: at most 256 MiB.
    /// - Throws: `notMapped` with the first address that is not in RAM; `tooMuch`.
    public func bytes(at address: VirtualAddress, count: Int) throws(ReadError) -> [UInt8] {
        try kernel.image.bytes(at: address, count: count) { page throws(ReadError) in try place(of: page) }
    }

    /// An integer of the process.
    public func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at address: VirtualAddress
    ) throws(ReadError) -> Value {
        try kernel.image.load(type, at: address) { address throws(ReadError) in try place(of: address) }
    }

    private func place(of address: VirtualAddress) throws(ReadError) -> GuestAddress {
        // The kernel's half is the same for all and no memory of the process.
        guard !address.isKernel else { throw .notMapped(address) }
        return try space.translate(address, in: kernel.image).physical
    }
}

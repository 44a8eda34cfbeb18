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
        do throws(ReadError) {
            try self.init(kernel, tables: tables, memory: memory)
        } catch {
            throw .read(error)
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
        guard count >= 0, count <= Kernel.longestCopy else { throw .tooMuch }
        var result: [UInt8] = []
        var position = address
        var left = count
        while left > 0 {
            // The kernel's half is the same for all and no memory of the process.
            guard !position.isKernel else { throw .notMapped(position) }
            let part = min(left, GuestImage.pageSize - Int(position.rawValue & 0xFFF))
            let place = try space.translate(position, in: kernel.image).physical
            try kernel.image.append(to: &result, from: place, count: part)
            position = position + part
            left -= part
        }
        return result
    }

    /// An integer of the process.
    public func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at address: VirtualAddress
    ) throws(ReadError) -> Value {
        var value: Value = 0
        for (index, byte) in try bytes(at: address, count: MemoryLayout<Value>.size).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << Value(truncatingIfNeeded: 8 * index)
        }
        return value
    }
}

internal import GuestMemory
internal import HostSystem
internal import Introspection
internal import JSONText

/// A dump whose memory is mapped in this process as a machine's is in its own, and read as from outside.
final class MappedDump {
    private let mapping: Mapping
    private let layout: AddressSpaceLayout
    private let registers: [ProcessorRegisters]

    /// - Throws: if the file is no ELF core of `roost dump`, or of a machine of more than 3 GiB.
    init(_ path: String) throws {
        let dump = try DumpFile(path: path)
        guard dump.regions.count == 1, let region = dump.regions.first, region.start.rawValue == 0,
            let layout = AddressSpaceLayout(size: region.size), layout.high == nil
        else {
            throw BenchmarkError.usage("\(path): a machine of at most 3 GiB is expected")
        }
        registers = Self.registers(dump)
        guard !registers.isEmpty else {
            throw BenchmarkError.usage("\(path) tells no registers; make it with roost dump")
        }
        self.layout = layout
        mapping = try Mapping.anonymous(size: Int(region.size))
        // Copied, not mapped: a guest's memory is private pages.
        var offset = 0
        while offset < mapping.size {
            let count = min(1 << 20, mapping.size - offset)
            // SAFETY: the part lies in the mapping, which nobody else uses yet.
            var span = unsafe MutableRawSpan(_unsafeStart: mapping.start + offset, byteCount: count)
            try dump.copy(from: GuestAddress(UInt64(offset)), into: &span)
            offset += count
        }
    }

    /// Finds the kernel in the memory, which is read anew.
    func kernel(_ store: some ProfileStore) throws -> Kernel {
        let process = try OtherProcess(HostProcess.identifier)
        let memory = MachineMemory(
            of: process, at: UInt64(UInt(bitPattern: unsafe mapping.start)), layout: layout)
        return try KernelLocator(GuestImage(memory), registers: registers, store: store).locate()
    }

    /// What finds a kernel, of the registers that the dump tells.
    private static func registers(_ dump: DumpFile) -> [ProcessorRegisters] {
        guard let note = dump.notes.first(where: { $0.owner == "ROOST" }),
            let json = try? JSONValue(text: note.content), case .array(let cpus)? = json["cpus"]
        else { return [] }
        func number(_ value: JSONValue?) -> UInt64 {
            guard case .string(let text)? = value else { return 0 }
            return UInt64(text.dropFirst(2), radix: 16) ?? 0
        }
        return cpus.map { cpu in
            ProcessorRegisters(
                isPaging: number(cpu["cr0"]) >> 31 & 1 == 1, cr3: number(cpu["cr3"]),
                hasFiveLevels: number(cpu["cr4"]) >> 12 & 1 == 1, instruction: .null, stack: .null,
                frame: .null, privilegeLevel: 0, gsBase: .null, kernelGSBase: nil, systemCallEntry: nil,
                interruptTable: .null)
        }
    }
}

internal import GuestMemory
internal import X86

extension BootPlan {
    /// Plans a boot, or says why it cannot be. Reads the kernel's headers and notes, no more of it.
    public init(_ request: BootRequest) throws(BootError) {
        let kernel = try KernelImage(reading: request.kernel, choice: request.protocolChoice)
        var planner = BootPlanner(request)
        self = try planner.plan(kernel)
    }
}

/// Collects the parts of a plan; each claims its memory first.
private struct BootPlanner {
    let request: BootRequest
    var occupancy: Occupancy
    var fileCopies: [FileCopy] = []
    var writes: [MemoryWrite] = []

    init(_ request: BootRequest) {
        self.request = request
        occupancy = Occupancy(layout: request.layout)
    }

    mutating func plan(_ kernel: KernelImage) throws(BootError) -> BootPlan {
        guard kernel.entry < AddressSpaceLayout.holeEnd else { throw .entryTooHigh(kernel.entry) }
        try claim(from: LowMemory.reserved, to: LowMemory.acpiTables, for: .reservedLowMemory)
        let rootPointer = try placeACPI()
        try place(ResetVector.code, at: LowMemory.resetVector, as: .resetVector)
        try placeCommandLine(limit: kernel.commandLineLimit)
        let kernelRanges = try placeKernel(kernel)
        // Before the boot data: those have places of their own below 1 MiB, where no RAM disk goes.
        let initrd = try placeInitrd(maximum: kernel.initrdMaximum)
        let memoryMap = MemoryMap(layout: request.layout, hasACPI: rootPointer != nil)

        let state: EntryState
        switch kernel.bootProtocol {
        case .pvh:
            let startInfo = StartInfo(
                commandLine: LowMemory.commandLine, initrd: initrd, rootPointer: rootPointer,
                memoryMap: memoryMap)
            let address = LowMemory.bootInformation
            try place(startInfo.bytes(at: address), at: address, as: .startInfo)
            state = .pvh(entry: kernel.entry, startInfo: address)
        case .linux64:
            var parameters = kernel.bootParameters
            parameters.setCommandLine(LowMemory.commandLine)
            parameters.setInitrd(initrd)
            parameters.setRootPointer(rootPointer)
            parameters.setMemoryMap(memoryMap)
            let tables = LowMemory.pageTables
            try place(parameters.bytes, at: LowMemory.bootInformation, as: .bootParameters)
            try place(IdentityPageTables.bytes(at: tables), at: tables, as: .pageTables)
            state = .linux64(
                entry: kernel.entry, bootParameters: LowMemory.bootInformation, pageTables: tables)
        }
        try place(state.descriptors, at: LowMemory.descriptorTable, as: .descriptorTable)

        return BootPlan(
            bootProtocol: kernel.bootProtocol, fileCopies: fileCopies, writes: writes,
            processor: state.processor, kernelRanges: kernelRanges, codeRanges: kernel.codeRanges,
            initrdRange: initrd,
            memoryMap: memoryMap, rootPointer: rootPointer)
    }

    // MARK: - The parts

    private mutating func placeKernel(_ kernel: KernelImage) throws(BootError) -> [GuestRange] {
        switch kernel {
        case .elf(let image, _, _):
            for segment in image.segments {
                try occupancy.claim(segment.memory, for: .segment(segment.index))
                copy(
                    .kernel, from: segment.fileOffset, count: segment.fileSize, to: segment.memory.start)
            }
            return image.segments.map(\.memory).sorted { $0.start < $1.start }
        case .bzImage(let image):
            try occupancy.claim(image.memory, for: .bzImage)
            copy(.kernel, from: image.fileOffset, count: image.fileSize, to: image.memory.start)
            return [image.memory]
        }
    }

    private mutating func placeCommandLine(limit: Int) throws(BootError) {
        let line = request.commandLine
        guard line.count <= limit else { throw .commandLineTooLong(count: line.count, limit: limit) }
        if let index = line.firstIndex(of: 0) {
            throw .commandLineHasNUL(index: index)
        }
        try place(line + [0], at: LowMemory.commandLine, as: .commandLine)
    }

    /// Returns the root pointer's address.
    private mutating func placeACPI() throws(BootError) -> GuestAddress? {
        guard let configuration = request.acpi else {
            try claim(from: LowMemory.acpiTables, to: LowMemory.resetVector, for: .reservedLowMemory)
            return nil
        }
        let tables = try ACPITables(configuration)
        let bytes = tables.bytes(at: LowMemory.acpiTables)
        guard bytes.count <= LowMemory.acpiCapacity else {
            throw .acpiTooLarge(size: bytes.count, capacity: LowMemory.acpiCapacity)
        }
        try claim(from: LowMemory.acpiTables, to: LowMemory.resetVector, for: .acpiTables)
        writes.append(MemoryWrite(area: .acpiTables, address: LowMemory.acpiTables, bytes: bytes))
        return LowMemory.acpiTables
    }

    /// As high as it may be, so that it is out of the way of a kernel that moves or unpacks itself.
    private mutating func placeInitrd(maximum: UInt32) throws(BootError) -> GuestRange? {
        guard let size = request.initrdSize else { return nil }
        guard size > 0 else { throw .emptyInitrd }
        let limit = min(request.layout.low.end, GuestAddress(UInt64(maximum) + 1))
        let room = limit > LowMemory.end ? limit.rawValue - LowMemory.end.rawValue : 0
        guard let bounds = GuestRange(start: LowMemory.end, size: room),
            let range = occupancy.highestFree(size: size, in: bounds)
        else {
            throw .noRoomForInitrd(size: size, limit: limit, memory: request.layout.size)
        }
        try occupancy.claim(range, for: .initrd)
        copy(.initrd, from: 0, count: size, to: range.start)
        return range
    }

    // MARK: - Their elements

    private mutating func claim(
        from start: GuestAddress, to end: GuestAddress, for area: BootArea
    ) throws(BootError) {
        guard let range = GuestRange(start: start, size: end.rawValue - start.rawValue) else { return }
        try occupancy.claim(range, for: area)
    }

    private mutating func place(
        _ bytes: [UInt8], at address: GuestAddress, as area: BootArea
    ) throws(BootError) {
        guard let end = address.advanced(by: UInt64(bytes.count)) else { return }
        try claim(from: address, to: end, for: area)
        writes.append(MemoryWrite(area: area, address: address, bytes: bytes))
    }

    /// The destination is a part of memory already claimed.
    private mutating func copy(
        _ source: ImageRole, from offset: UInt64, count: UInt64, to address: GuestAddress
    ) {
        guard count > 0, let destination = GuestRange(start: address, size: count) else { return }
        fileCopies.append(FileCopy(source: source, fileOffset: offset, destination: destination))
    }
}

internal import Boot
internal import GuestMemory
internal import HostSystem
internal import Specification

/// The files a machine boots from, open, so that what was planned is what gets loaded.
struct BootImages {
    private let kernel: FileImage
    private let initrd: FileImage?

    /// Below this many bytes the call costs more than it saves.
    private static let leastPreparedCode: UInt64 = 1 << 20

    init(_ spec: MachineSpec) throws(MachineError) {
        kernel = try FileImage(spec.kernel)
        if let path = spec.initrd { initrd = try FileImage(path) } else { initrd = nil }
    }

    /// Reads the kernel's headers and decides what goes where.
    func plan(_ spec: MachineSpec, _ layout: AddressSpaceLayout) throws(MachineError) -> BootPlan {
        let request = BootRequest(
            kernel: kernel, layout: layout, initrdSize: initrd?.size,
            commandLine: Array(spec.commandLine.utf8),
            acpi: ACPIConfiguration(
                processorCount: spec.cpus, virtioWindows: VirtioSlot.windows(count: spec.virtioDevices.count)),
            protocolChoice: BootProtocolChoice(spec.bootProtocol))
        do {
            return try BootPlan(request)
        } catch {
            throw .boot(error, kernel: spec.kernel)
        }
    }

    /// Puts everything in place.
    ///
    /// - Parameter sharing: map what is large instead of copying it.
    func load(_ plan: BootPlan, into memory: PhysicalMemory, sharing: Bool) throws(MachineError) {
        do throws(SystemError) {
            for copy in plan.fileCopies {
                let image = copy.source == .initrd ? initrd : kernel
                guard let image else { continue }
                try memory.load(
                    image.file, at: copy.fileOffset, into: copy.destination, sharing: sharing)
            }
        } catch {
            throw .input(error)
        }
        // Small kernels were copied: their pages are there.
        if sharing {
            plan.codeRanges.filter { $0.size >= Self.leastPreparedCode }.forEach(memory.prepareForWriting)
        }
        do throws(GuestMemoryError) {
            for write in plan.writes {
                try memory.copyIn(write.bytes, to: write.address)
            }
        } catch {
            throw .wiring("the boot plan leaves the guest's memory: \(error)")
        }
    }
}

/// A file on disk as the boot planner reads it.
final class FileImage: ImageSource, Sendable {
    let file: RegularFile

    init(_ path: String) throws(MachineError) {
        do {
            file = try RegularFile.open(path)
        } catch {
            throw .input(error)
        }
    }

    var size: UInt64 { file.size }

    func bytes(at offset: UInt64, count: Int) throws(ImageReadError) -> [UInt8] {
        do {
            return try file.bytes(at: offset, count: count)
        } catch {
            throw ImageReadError(offset: offset, count: count, reason: error.reason)
        }
    }
}

extension BootProtocolChoice {
    init(_ wished: Specification.BootProtocol) {
        switch wished {
        case .automatic: self = .automatic
        case .pvh: self = .pvh
        case .linux64: self = .linux64
        }
    }
}

public import GuestMemory

/// Why a guest cannot be booted: always something about the kernel image, the initial RAM disk, the
/// command line or the memory, never about the host.
public enum BootError: Error, Equatable, CustomStringConvertible {
    // Any kernel.
    /// The image could not be read.
    case unreadable(ImageReadError)
    /// The image has no bytes.
    case emptyKernel
    /// The image is of no known kind; its first bytes, four at most.
    case notAKernel(beginning: [UInt8])
    /// The image ends before a structure does.
    case truncated(ImagePart, offset: UInt64, count: UInt64, imageSize: UInt64)
    /// The kernel cannot be entered by the wished protocol, for the reason given.
    case protocolUnavailable(BootProtocol, reason: String)

    // ELF.
    /// The ELF header says something that no bootable kernel's does.
    case unsuitableELF(ELFDefect)
    /// A program header says something impossible.
    case unsuitableSegment(index: Int, SegmentDefect)
    /// The notes are inconsistent at this offset of the image.
    case malformedNote(offset: UInt64)
    /// No loaded bytes are at the address where the kernel is to be entered.
    case entryOutsideKernel(GuestAddress, BootProtocol)
    /// The kernel is to be entered above 4 GiB, where neither protocol reaches.
    case entryTooHigh(GuestAddress)

    // bzImage.
    /// The setup header says something that cannot be booted.
    case unsuitableBzImage(BzImageDefect)

    // Memory.
    /// A range is not RAM as a whole; `memory` is the guest's RAM in bytes.
    case outsideMemory(BootArea, GuestRange, memory: UInt64)
    /// Two things claim the same memory.
    case overlap(BootArea, GuestRange, with: BootArea, GuestRange)
    /// The initial RAM disk is given but empty.
    case emptyInitrd
    /// There is no room for the initial RAM disk below `limit`.
    case noRoomForInitrd(size: UInt64, limit: GuestAddress, memory: UInt64)
    /// The command line's bytes and how many the kernel takes, without the NUL.
    case commandLineTooLong(count: Int, limit: Int)
    /// The command line has a NUL byte at this index.
    case commandLineHasNUL(index: Int)

    // ACPI.
    /// A guest has at least one processor and not more than the tables can name.
    case processorCount(Int, limit: Int)
    /// The ACPI tables do not fit the place they have.
    case acpiTooLarge(size: Int, capacity: Int)
    /// An interrupt the I/O APIC has no pin for.
    case noSuchInterrupt(UInt32, limit: UInt32)
    /// A virtio-mmio window that is empty or passes 4 GiB.
    case badVirtioWindow(base: UInt32, size: UInt32)
    /// More virtio-mmio windows than the tables can name.
    case tooManyVirtioWindows(Int, limit: Int)

    /// A sentence with the values and what to do.
    public var description: String {
        switch self {
        case .unreadable(let error): "the kernel is unreadable: \(error)"
        case .emptyKernel: "the kernel image is empty; give a vmlinux or a bzImage"
        case .notAKernel(let beginning):
            "the image is no kernel, neither ELF nor bzImage (it begins with "
                + beginning.map { hex($0) }.joined(separator: " ") + "); give a vmlinux or a bzImage"
        case .truncated(let part, let offset, let count, let size):
            "the kernel is cut off: \(part) needs \(hex(count)) bytes at \(hex(offset)), but the image ends at "
                + "\(hex(size)); fetch it again"
        case .protocolUnavailable(let wished, let reason):
            "the kernel cannot be booted by \(wished.rawValue): \(reason); leave the protocol automatic"
        case .unsuitableELF(let defect): "the ELF kernel cannot be booted: \(defect)"
        case .unsuitableSegment(let index, let defect):
            "the ELF kernel's program header \(index) is broken: \(defect); rebuild or fetch the kernel again"
        case .malformedNote(let offset):
            "the ELF kernel's notes are inconsistent at \(hex(offset)); boot it by linux64, which needs none"
        case .entryOutsideKernel(let address, let entered):
            "the kernel's \(entered.rawValue) entry, taken as the physical address \(address), is outside its loaded "
                + "segments; check the linker script's load addresses"
        case .entryTooHigh(let address):
            "the kernel's entry \(address) is above 4 GiB, where it cannot be entered; link it lower"
        case .unsuitableBzImage(let defect): "the bzImage kernel cannot be booted: \(defect)"
        case .outsideMemory(let area, let range, let memory):
            "\(area) needs \(range), which is not all RAM; the guest has \(hex(memory)) bytes, give it more memory"
        case .overlap(let area, let range, let other, let otherRange):
            "\(area) at \(range) overlaps \(other) at \(otherRange); change the kernel's load addresses"
        case .emptyInitrd: "the initial RAM disk is empty; leave it out or give one with contents"
        case .noRoomForInitrd(let size, let limit, let memory):
            "the initial RAM disk of \(hex(size)) bytes has no room below \(limit) in a guest of \(hex(memory)) bytes; "
                + "give the guest more memory"
        case .commandLineTooLong(let count, let limit):
            "the command line has \(hex(count)) bytes, the kernel takes at most \(hex(limit)); shorten it"
        case .commandLineHasNUL(let index):
            "the command line has a NUL byte at \(hex(index)), where the kernel would cut it off; remove it"
        case .processorCount(let count, let limit):
            "a guest cannot have \(count) processors; give it 1 to \(limit)"
        case .acpiTooLarge(let size, let capacity):
            "the ACPI tables need \(hex(size)) bytes and have room for \(hex(capacity)); describe fewer devices"
        case .noSuchInterrupt(let interrupt, let limit):
            "interrupt \(interrupt) does not exist; the I/O APIC has 0 to \(limit - 1)"
        case .badVirtioWindow(let base, let size):
            "a virtio-mmio window of \(hex(size)) bytes at \(hex(base)) is empty or passes 4 GiB; place it in the hole"
        case .tooManyVirtioWindows(let count, let limit):
            "\(count) virtio-mmio windows are too many; give at most \(limit)"
        }
    }
}

/// A part of a kernel image that can be cut off.
public enum ImagePart: Equatable, Sendable, CustomStringConvertible {
    /// The ELF header.
    case elfHeader
    /// The table of program headers.
    case programHeaders
    /// The contents of the segment with this index.
    case segment(Int)
    /// The setup header of a bzImage.
    case setupHeader
    /// The protected-mode part of a bzImage.
    case protectedModeKernel

    /// The part as it stands in a sentence.
    public var description: String {
        switch self {
        case .elfHeader: "the ELF header"
        case .programHeaders: "the table of program headers"
        case .segment(let index): "segment \(index)"
        case .setupHeader: "the setup header"
        case .protectedModeKernel: "the protected-mode kernel"
        }
    }
}

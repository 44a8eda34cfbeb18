import GuestMemory

@testable import Boot

/// An ELF kernel to be spoilt field by field: two segments and a PVH note unless told otherwise.
struct ELFFixture {
    struct ProgramHeader {
        var type: UInt32 = 1
        var fileOffset: UInt64
        var address: UInt64
        var fileSize: UInt64
        var memorySize: UInt64
        var alignment: UInt64 = 0x1000
    }

    var headers: [ProgramHeader]
    var entry: UInt64 = 0x10_0010
    var contents: [UInt8]

    static let headerArea = 64 + 3 * 56

    init(pvhEntry: UInt32? = 0x10_0020) {
        let noteOffset = UInt64(Self.headerArea)
        var note: [UInt8] = []
        if let pvhEntry {
            note.append(integer: 4 as UInt32)
            note.append(integer: 4 as UInt32)
            note.append(integer: 18 as UInt32)
            note += [0x58, 0x65, 0x6E, 0]
            note.append(integer: pvhEntry)
        }
        headers = [
            ProgramHeader(fileOffset: 0x200, address: 0x10_0000, fileSize: 0x300, memorySize: 0x3000),
            ProgramHeader(fileOffset: 0x500, address: 0x40_0000, fileSize: 0x100, memorySize: 0x100),
            ProgramHeader(
                type: 4, fileOffset: noteOffset, address: 0, fileSize: UInt64(note.count), memorySize: 0,
                alignment: 4),
        ]
        contents = [UInt8](repeating: 0x90, count: 0x600)
        contents.replaceSubrange(Self.headerArea..<Self.headerArea + note.count, with: note)
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        bytes.append(integer: 2 as UInt16)
        bytes.append(integer: 62 as UInt16)
        bytes.append(integer: 1 as UInt32)
        bytes.append(integer: entry)
        bytes.append(integer: 64 as UInt64)
        bytes.append(integer: 0 as UInt64)
        bytes.append(integer: 0 as UInt32)
        bytes.append(integer: 64 as UInt16)
        bytes.append(integer: 56 as UInt16)
        bytes.append(integer: UInt16(headers.count))
        bytes += [0, 0, 0, 0, 0, 0]
        for header in headers {
            bytes.append(integer: header.type)
            bytes.append(integer: 5 as UInt32)
            bytes.append(integer: header.fileOffset)
            bytes.append(integer: header.address)
            bytes.append(integer: header.address)
            bytes.append(integer: header.fileSize)
            bytes.append(integer: header.memorySize)
            bytes.append(integer: header.alignment)
        }
        return bytes + contents.dropFirst(bytes.count)
    }
}

/// A bzImage to be spoilt: protocol 2.15, relocatable, one setup sector, 4 KiB of kernel.
func makeBzImage() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 0x400 + 0x1000)
    bytes[0x1EF] = 0xFF  // The sentinel, which must not reach the zero page.
    bytes[0x1F1] = 1
    bytes.store(0x100 as UInt32, at: 0x1F4)
    bytes.store(0xAA55 as UInt16, at: 0x1FE)
    bytes[0x200] = 0xEB
    bytes[0x201] = 0x6A
    bytes.replaceSubrange(0x202..<0x206, with: [0x48, 0x64, 0x72, 0x53])
    bytes.store(0x20F as UInt16, at: 0x206)
    bytes[0x211] = 1
    bytes.store(0x7FFF_FFFF as UInt32, at: 0x22C)
    bytes.store(0x20_0000 as UInt32, at: 0x230)
    bytes[0x234] = 1
    bytes.store(0x7F as UInt16, at: 0x236)
    bytes.store(2047 as UInt32, at: 0x238)
    bytes.store(0x100_0000 as UInt64, at: 0x258)
    bytes.store(0x80_0000 as UInt32, at: 0x260)
    return bytes
}

func makeRequest(
    _ kernel: [UInt8], mebibytes: UInt64 = 64, initrdSize: UInt64? = nil,
    commandLine: String = "console=ttyS0",
    acpi: ACPIConfiguration? = nil, choice: BootProtocolChoice = .automatic
) -> BootRequest {
    BootRequest(
        kernel: ArrayImage(kernel), layout: makeLayout(mebibytes: mebibytes), initrdSize: initrdSize,
        commandLine: Array(commandLine.utf8), acpi: acpi, protocolChoice: choice)
}

extension BootPlan {
    func write(_ area: BootArea) -> MemoryWrite? {
        writes.first { $0.area == area }
    }
}

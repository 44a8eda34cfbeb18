// Used by the tests and, through symbolic links, by the fuzz targets: only what is public.

import Boot
import GuestMemory

func makeLayout(mebibytes: UInt64 = 64) -> AddressSpaceLayout {
    guard let layout = AddressSpaceLayout(size: mebibytes << 20) else {
        preconditionFailure("a test asks for RAM of an impossible size")
    }
    return layout
}

/// How many different requests `violations(booting:variant:)` can make of one kernel.
let requestVariants = 9

/// Plans a boot of these bytes and returns what is wrong with the plan. An error is all right, as long
/// as it can be described. Without a variant all are tried.
func violations(booting kernel: [UInt8], variant: Int? = nil) -> [String] {
    guard let variant else {
        return (0..<requestVariants).flatMap { violations(booting: kernel, variant: $0) }
    }
    let choices = BootProtocolChoice.allCases
    let sizes: [(mebibytes: UInt64, initrd: UInt64?)] = [(1, nil), (64, 0x12345), (5 << 10, 0x100_0000)]
    let (mebibytes, initrdSize) = sizes[variant / choices.count % sizes.count]
    let request = BootRequest(
        kernel: ArrayImage(kernel), layout: makeLayout(mebibytes: mebibytes), initrdSize: initrdSize,
        commandLine: Array("console=ttyS0".utf8),
        acpi: initrdSize.map { _ in ACPIConfiguration(processorCount: 2) },
        protocolChoice: choices[variant % choices.count])
    do {
        return try BootPlan(request).violations(of: request)
    } catch {
        return error.description.isEmpty ? ["an error has no description"] : []
    }
}

extension BootPlan {
    /// What no plan may break, whatever it was made from. Returns what is broken.
    func violations(of request: BootRequest) -> [String] {
        var violations: [String] = []
        var taken: [(String, GuestRange)] = []
        func take(_ name: String, _ range: GuestRange?) {
            guard let range, range.size > 0 else {
                violations.append("\(name) is empty or wraps")
                return
            }
            if !request.layout.contains(range) {
                violations.append("\(name) at \(range) is not RAM")
            }
            for (other, otherRange) in taken where otherRange.overlaps(range) {
                violations.append("\(name) at \(range) overlaps \(other) at \(otherRange)")
            }
            taken.append((name, range))
        }
        for copy in fileCopies {
            take("copy of \(copy.source)", copy.destination)
            let size = copy.source == .kernel ? request.kernel.size : request.initrdSize ?? 0
            if copy.fileOffset > size || copy.destination.size > size - copy.fileOffset {
                violations.append("copy of \(copy.source) at \(copy.fileOffset) passes the file's end")
            }
        }
        for write in writes {
            take("\(write.area)", GuestRange(start: write.address, size: UInt64(write.bytes.count)))
        }
        if !kernelRanges.contains(where: { $0.contains(entry) }) {
            violations.append("entry \(entry) is outside the kernel")
        }
        for range in kernelRanges {
            for write in writes where range.contains(write.address) {
                violations.append("\(write.area) lies in the kernel's memory \(range)")
            }
            if let initrdRange, initrdRange.overlaps(range) {
                violations.append("the initrd lies in the kernel's memory \(range)")
            }
        }
        return violations
    }
}

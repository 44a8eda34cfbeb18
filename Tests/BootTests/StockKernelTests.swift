import Boot
import Foundation
import GuestMemory
import Testing

/// The stock Debian kernels that `scripts/lab --prepare` unpacks.
private enum StockKernel: String, CaseIterable {
    case vmlinux
    case bzImage

    /// Where the lab keeps them, or `$ROOST_LAB_GUEST`.
    var path: String {
        let folder =
            ProcessInfo.processInfo.environment["ROOST_LAB_GUEST"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/lab/guest").path
        return "\(folder)/\(rawValue)"
    }

    static var arePresent: Bool { allCases.allSatisfy { FileManager.default.fileExists(atPath: $0.path) } }

    func image() throws -> ArrayImage {
        ArrayImage([UInt8](try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)))
    }
}

@Suite(
    "The stock Debian kernel",
    .enabled(if: StockKernel.arePresent, "scripts/lab --prepare has not unpacked the stock kernels"))
struct StockKernelTests {
    @Test(
        "is planned in every form and by every protocol it has",
        arguments: [
            (StockKernel.vmlinux, BootProtocolChoice.automatic, BootProtocol.pvh),
            (.vmlinux, .pvh, .pvh), (.vmlinux, .linux64, .linux64), (.bzImage, .automatic, .linux64),
        ])
    private func plans(kernel: StockKernel, choice: BootProtocolChoice, expected: BootProtocol) throws {
        let request = BootRequest(
            kernel: try kernel.image(), layout: makeLayout(mebibytes: 256), initrdSize: 3_000_000,
            commandLine: Array("console=ttyS0".utf8), acpi: ACPIConfiguration(processorCount: 2),
            protocolChoice: choice)
        let plan = try BootPlan(request)
        print("\(kernel): \(plan.summary)")
        #expect(plan.bootProtocol == expected)
        #expect(plan.violations(of: request) == [])
        #expect(plan.entry.rawValue >= 0x100_0000)
        if kernel == .vmlinux {
            let code = plan.codeRanges.map(\.size).max() ?? 0
            #expect(code > 10 << 20, "a stock kernel has more than 10 MiB of code")
        }
    }
}

import Foundation
import GuestMemory
import Introspection
import MachineTesting
import Testing

/// A memory dump of a stock guest and what the guest told of itself: `scripts/test.d/dumps` has the lab make them.
struct GuestDump: CustomTestStringConvertible, Sendable {
    let folder: String

    var testDescription: String { folder.split(separator: "/").last.map(String.init) ?? folder }

    /// Every dump there is in ROOST_DUMPS, or else where the lab puts them.
    static let all: [GuestDump] = {
        let path = ProcessInfo.processInfo.environment["ROOST_DUMPS"] ?? TestHost.root + "/.build/lab/dumps"
        // None at all is what `GuestDumpTests.exist` reports.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().map { GuestDump(folder: "\(path)/\($0)") }
            .filter { FileManager.default.fileExists(atPath: $0.core) }
    }()

    /// The ELF core.
    var core: String { folder + "/guest.core" }

    /// What the guest told: before the dump, of its symbols, and its uptime after it.
    func reports() throws -> [GuestReport] {
        let text = try String(contentsOfFile: folder + "/report", encoding: .utf8)
        let parts = text.components(separatedBy: "== end\n").map { GuestReport($0) }
        guard parts.count >= 3 else { throw TestFailure("\(folder)/report is not whole") }
        return parts
    }

    func file() throws -> DumpFile { try DumpFile(path: core) }

    /// The kernel, found by the registers that the core has.
    func kernel(_ source: any PhysicalSource, store: any ProfileStore = NoProfileStore()) throws -> Kernel {
        try KernelLocator(GuestImage(source), registers: try registers(), store: store).locate()
    }

    func registers() throws -> [ProcessorRegisters] {
        guard let note = try file().notes.first(where: { $0.owner == "ROOST" }) else {
            throw TestFailure("\(core) has no note of Roost's")
        }
        return try JSONDecoder().decode(Processors.self, from: Data(note.content)).cpus.map(\.registers)
    }
}

/// What the control socket's `registers` tells, as far as it is needed here.
private struct Processors: Decodable {
    let cpus: [Processor]

    struct Number: Decodable {
        let value: UInt64

        init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else {
                throw TestFailure("'\(text)' is no number")
            }
            self.value = value
        }
    }

    struct Segment: Decodable {
        let base: Number
        let selector: Number
    }

    struct Processor: Decodable {
        let cr0, cr3, cr4, rip, rsp, rbp, idtBase: Number
        let cs, gs: Segment
        let kernelGSBase, lstar: Number?

        var registers: ProcessorRegisters {
            ProcessorRegisters(
                isPaging: cr0.value >> 31 & 1 == 1, cr3: cr3.value, hasFiveLevels: cr4.value >> 12 & 1 == 1,
                instruction: VirtualAddress(rip.value), stack: VirtualAddress(rsp.value),
                frame: VirtualAddress(rbp.value), privilegeLevel: Int(cs.selector.value & 3),
                gsBase: VirtualAddress(gs.base.value),
                kernelGSBase: kernelGSBase.map { VirtualAddress($0.value) },
                systemCallEntry: lstar.map { VirtualAddress($0.value) },
                interruptTable: VirtualAddress(idtBase.value))
        }
    }
}

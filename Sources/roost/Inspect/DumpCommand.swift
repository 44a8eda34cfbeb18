internal import ArgumentParser
internal import GuestMemory
internal import Glibc
internal import HostSystem
internal import Introspection
internal import JSONText
internal import Specification

/// `roost dump`.
struct DumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Writes a machine's memory to a file that crash, drgn, Volatility and roost inspect read.",
        discussion: """
            The file is an ELF core with the registers of all virtual CPUs. The machine stands still while \
            it is written, and no longer whatever becomes of this command, unless --live is given: then its \
            parts are of different moments. Pages of zeros take no room. A file that exists is not written over.

            EXAMPLES
              roost dump web1 web1.core
              roost inspect --image web1.core ps
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @Argument(help: .init("The file to make.", valueName: "FILE"), completion: .file())
    var file: String

    @Flag(help: "Let the machine run on meanwhile.")
    var live = false

    @OptionGroup var place: Place

    /// The note in which Roost keeps the registers as its control socket tells them.
    static let noteOwner = "ROOST"
    /// No kind that others number: `crash` counts every note of kind 1 as a processor, whoever owns it.
    static let noteKind: UInt32 = 0x524F_4F53
    private static let interruptions: [Signal] = [.interrupt, .terminate, .hangup]

    func run() throws {
        let target = try InspectTarget(machine: try place.directory.running(machine))
        let output: SparseFile
        do {
            output = try SparseFile(creating: file)
        } catch {
            let code: Specification.ExitCode = error.isPermission ? .noPermission : .cantCreate
            throw CommandFailure(code, error)
        }
        let size: UInt64
        let paused: UInt64
        // Whoever interrupts it is obeyed when what there is of the file is gone: half a dump is no dump.
        (size, paused) = try SignalMask.holding(Self.interruptions) { () throws(CommandFailure) in
            do throws(CommandFailure) {
                guard !live else { return (try write(target, to: output), 0) }
                return try target.whilePaused { () throws(CommandFailure) in
                    try write(target, to: output)
                }
            } catch {
                FileTree.remove(file)
                throw error
            }
        }
        var line = "\(file): \(ByteSize(bytes: size)) of \(machine)'s memory"
        if paused > 0 { line += " (the machine stood still for \(Amount.time(paused)))" }
        try StandardOutput.write(Outcome.printable(line))
    }

    /// - Returns: how much memory was written.
    private func write(_ target: InspectTarget, to output: SparseFile) throws(CommandFailure)
        -> UInt64
    {
        let answer = try target.registersAnswer() ?? .null
        var notes = Self.statusNotes(answer)
        notes.append(
            DumpNote(
                owner: Self.noteOwner, kind: Self.noteKind, content: Array(answer.text(.compact).utf8)))
        // A guest whose kernel is not found is dumped all the same.
        let kernel = try? KernelLocator(
            target.image, registers: target.registers, store: ProfileDirectory.ofUser() ?? NoProfileStore()
        ).locate()
        if let information = kernel?.coreInformation {
            notes.append(DumpNote(owner: "VMCOREINFO", kind: 0, content: information))
        }
        let header = DumpHeader(regions: target.image.regions, directMap: kernel?.directMap, notes: notes)
        var written: UInt64 = 0
        do {
            try output.write(header.bytes[...], at: 0)
            for part in header.parts {
                var offset: UInt64 = 0
                while offset < part.range.size {
                    guard !SignalMask.hasPending(Self.interruptions) else {
                        // The signal itself ends the process, before anybody reads this.
                        throw CommandFailure(.tempFail, "\(file): interrupted")
                    }
                    let count = Int(min(1 << 20, part.range.size - offset))
                    let address = GuestAddress(part.range.start.rawValue + offset)
                    let bytes = try target.image.bulk(at: address, count: count)
                    try output.writeUsedPages(bytes, at: part.fileOffset + offset)
                    offset += UInt64(count)
                    written += UInt64(count)
                    progress(written, of: target.image.regions.reduce(0) { $0 + $1.size })
                }
            }
            try output.setSize(header.size)
        } catch let error as ReadError {
            throw CommandFailure(.read(error), of: machine)
        } catch let error as SystemError {
            throw CommandFailure(.ioError, error)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.software, "\(error)")
        }
        return written
    }

    private func progress(_ written: UInt64, of size: UInt64) {
        guard isatty(STDERR_FILENO) == 1, size > 0, written % (64 << 20) == 0 || written == size else {
            return
        }
        let end = written == size ? "\r\u{1B}[K" : ""
        DescriptorIO.writeToStandardError("\r\(file): \(written * 100 / size) %\(end)")
    }

    /// The registers as debuggers read them.
    private static func statusNotes(_ answer: JSONValue) -> [DumpNote] {
        guard case .array(let cpus)? = answer["cpus"] else { return [] }
        func number(_ value: JSONValue?) -> UInt64 {
            guard case .string(let text)? = value else { return 0 }
            return UInt64(text.dropFirst(2), radix: 16) ?? 0
        }
        return cpus.enumerated().map { index, cpu in
            let general = [
                "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
                "rsi",
                "rdi",
            ].map { number(cpu[$0]) }
            let rest = [
                UInt64.max, number(cpu["rip"]), number(cpu["cs"]?["selector"]), number(cpu["rflags"]),
                number(cpu["rsp"]), number(cpu["ss"]?["selector"]), number(cpu["fs"]?["base"]),
                number(cpu["gs"]?["base"]), number(cpu["ds"]?["selector"]), number(cpu["es"]?["selector"]),
                number(cpu["fs"]?["selector"]), number(cpu["gs"]?["selector"]),
            ]
            return DumpNote(processor: index, registers: general + rest)
        }
    }
}

internal import ControlProtocol
internal import GuestMemory
internal import HostSystem
internal import Introspection
internal import JSONText
internal import Specification
internal import Stats

/// What is looked into: a running machine or a dump; with the kernel that was found in it.
final class InspectTarget {
    /// The machine's name or the file's.
    let name: String
    /// The guest's memory.
    let image: GuestImage
    /// The registers of the virtual CPUs; empty if they are not known.
    private(set) var registers: [ProcessorRegisters]
    /// The machine, if it is one that runs.
    private let client: MachineClient?
    private let entry: MachineDirectory.Entry?

    /// Opens a running machine's memory.
    init(machine: MachineDirectory.Entry) throws(CommandFailure) {
        name = machine.name
        let client = try MachineClient(machine)
        self.client = client
        entry = machine
        image = GuestImage(try Self.memory(of: machine))
        registers = try Self.registers(client)
    }

    /// Opens a memory dump.
    init(dump path: String) throws(CommandFailure) {
        name = path
        client = nil
        entry = nil
        let file: DumpFile
        do {
            file = try DumpFile(path: path)
        } catch {
            throw CommandFailure(error.isUnreadable ? .noInput : .dataError, "\(error)")
        }
        image = GuestImage(file)
        registers =
            file.notes.first { $0.owner == DumpCommand.noteOwner }.flatMap {
                try? JSONValue(text: $0.content)
            }.map(Self.registers(in:)) ?? []
    }

    /// Whether the machine still runs; a dump is always there.
    var isThere: Bool {
        get throws(CommandFailure) { try entry?.isAlive ?? true }
    }

    /// Whether nothing can change while it is read.
    var isStill: Bool { client == nil }

    /// The kernel: found by the registers, with what is known of it from an earlier time.
    ///
    /// - Parameter nanoseconds: how long it took.
    func kernel(nanoseconds: inout UInt64) throws(CommandFailure) -> Kernel {
        let store = ProfileDirectory.ofUser()
        let start = HostClock.monotonicNanoseconds()
        let kernel: Kernel
        do {
            let locator = KernelLocator(image, registers: registers, store: store ?? NoProfileStore())
            kernel = try locator.locate()
        } catch {
            // What a dump has not yet it will never have.
            let isFinal = isStill && error == .notYet
            throw CommandFailure(isFinal ? .notLinux("its page tables map none") : error, of: name)
        }
        nanoseconds = HostClock.monotonicNanoseconds() - start
        if kernel.isProfileNew, let store {
            do {
                try store.keep(kernel)
            } catch {
                DescriptorIO.writeToStandardError(
                    "roost: warning: the kernel's profile is not kept for next time: "
                        + "\(Outcome.printable("\(error)"))\n")
            }
        }
        return kernel
    }

    /// Runs `body` while the machine stands still, and lets it go on as it was before. It goes on too if this process
    /// ends amid the look, however it does: the machine is held by the connection.
    ///
    /// - Throws: also if the machine was let go on meanwhile, to power off: then what was seen is of no one moment.
    /// - Returns: what `body` gives, and for how long the machine stood still by this; 0 if it did before.
    func whilePaused<Result>(
        _ body: () throws(CommandFailure) -> Result
    ) throws(CommandFailure) -> (Result, nanoseconds: UInt64) {
        guard let client else { return (try body(), 0) }
        let start = HostClock.monotonicNanoseconds()
        let answer = try client.ask(.hold)
        let isOurs: Bool
        do {
            isOurs = try StateChange(json: answer).isChanged
        } catch {
            throw CommandFailure(.software, "\(name): \(error)")
        }
        var outcome: Swift.Result<Result, CommandFailure>
        do throws(CommandFailure) {
            outcome = .success(try body())
        } catch {
            outcome = .failure(error)
        }
        do throws(CommandFailure) {
            _ = try client.ask(.release)
        } catch {
            // The first failure tells more.
            if case .success = outcome { outcome = .failure(error) }
        }
        let time = HostClock.monotonicNanoseconds() - start
        return (try outcome.get(), isOurs ? time : 0)
    }

    /// The registers as the machine tells them; nil for a dump.
    func registersAnswer() throws(CommandFailure) -> JSONValue? { try client?.ask(.registers) }

    /// Reads the registers anew.
    func refreshRegisters() throws(CommandFailure) {
        if let client { registers = try Self.registers(client) }
    }

    private static func memory(of machine: MachineDirectory.Entry) throws(CommandFailure) -> MachineMemory {
        let path = machine.file(RunFiles.stats)
        let page: StatsSnapshot
        do {
            var observer = try MachineObserver(page: path)
            page = try observer.page()
        } catch {
            throw CommandFailure(.noInput, "the machine \(machine.name) cannot be found in memory: \(error)")
        }
        guard let section = page[MachineShape.section], let address = section["memory.address"],
            let size = section["memory.configured"], let layout = AddressSpaceLayout(size: size)
        else {
            throw CommandFailure(
                .tempFail, "the machine \(machine.name) has not said yet where its memory is; try again")
        }
        do {
            return MachineMemory(of: try OtherProcess(page.process), at: address, layout: layout)
        } catch {
            throw CommandFailure(error.isPermission ? .noPermission : .noInput, error)
        }
    }

    private static func registers(_ client: MachineClient) throws(CommandFailure) -> [ProcessorRegisters] {
        registers(in: try client.ask(.registers))
    }

    private static func registers(in answer: JSONValue) -> [ProcessorRegisters] {
        guard case .array(let cpus)? = answer["cpus"] else { return [] }
        return cpus.compactMap(ProcessorRegisters.init(json:))
    }
}

extension CommandFailure {
    /// Why a guest cannot be looked into.
    init(_ error: IntrospectionError, of name: String) {
        let code: Specification.ExitCode =
            switch error {
            case .notYet: .tempFail
            case .notFound: .noInput
            case .notLinux, .missing, .read(.inconsistent), .read(.tooMuch): .dataError
            case .read(.source): .ioError
            case .read(.notMapped), .read(.notMemory), .read(.ended): .noInput
            }
        self.init(code, "\(name): \(error)")
    }
}

extension ProcessorRegisters {
    /// Reads what the control socket's `registers` tells of one virtual CPU; nil if it cannot be.
    init?(json: JSONValue) {
        func number(_ value: JSONValue?) -> UInt64? {
            guard case .string(let text)? = value, text.hasPrefix("0x") else { return nil }
            return UInt64(text.dropFirst(2), radix: 16)
        }
        func address(_ name: String) -> VirtualAddress? { number(json[name]).map { VirtualAddress($0) } }
        guard let cr0 = number(json["cr0"]), let cr3 = number(json["cr3"]), let cr4 = number(json["cr4"]),
            let rip = address("rip"), let rsp = address("rsp"), let rbp = address("rbp"),
            let interruptTable = address("idtBase"), let selector = number(json["cs"]?["selector"]),
            let gs = number(json["gs"]?["base"])
        else { return nil }
        self.init(
            isPaging: cr0 >> 31 & 1 == 1, cr3: cr3, hasFiveLevels: cr4 >> 12 & 1 == 1, instruction: rip,
            stack: rsp, frame: rbp, privilegeLevel: Int(selector & 3), gsBase: VirtualAddress(gs),
            kernelGSBase: address("kernelGSBase"), systemCallEntry: address("lstar"),
            interruptTable: interruptTable,
            general: GeneralRegisters(
                rax: number(json["rax"]) ?? 0, rbx: number(json["rbx"]) ?? 0, rcx: number(json["rcx"]) ?? 0,
                rdx: number(json["rdx"]) ?? 0, rsi: number(json["rsi"]) ?? 0, rdi: number(json["rdi"]) ?? 0,
                r8To15: (8...15).map { number(json["r\($0)"]) ?? 0 }, flags: number(json["rflags"]) ?? 0),
            control: ControlRegisters(
                cr0: cr0, cr2: number(json["cr2"]) ?? 0, cr4: cr4, cr8: number(json["cr8"]) ?? 0,
                efer: number(json["efer"]) ?? 0))
    }
}

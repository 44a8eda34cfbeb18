internal import Introspection
internal import JSONText
internal import Specification

/// Takes looks at a guest, again and again: what a view needs of the kernel is looked up once.
struct Inspector {
    private let kernel: Kernel
    private let target: InspectTarget
    private let view: any InspectableView

    init(
        _ kernel: Kernel, _ target: InspectTarget, _ request: ViewRequest, contactNanoseconds: UInt64
    ) throws(CommandFailure) {
        self.kernel = kernel
        self.target = target
        do {
            view = try Self.view(request, kernel, contactNanoseconds)
        } catch {
            throw CommandFailure(error, of: target.name)
        }
    }

    /// Looks once.
    func look(isPaused: Bool) throws(CommandFailure) -> Look {
        guard isPaused || target.isStill || view.needsRegisters else { return try take(isStill: false) }
        // Registers and stacks of a processor that runs on are of no moment at all.
        var (look, time) = try target.whilePaused { () throws(CommandFailure) in
            if view.needsRegisters { try target.refreshRegisters() }
            return try take(isStill: true)
        }
        look.pausedNanoseconds = time
        look.moment = target.isStill ? .dump : .paused
        return look
    }

    private func take(isStill: Bool) throws(CommandFailure) -> Look {
        do {
            return try view.look(kernel, target.registers, isStill: isStill)
        } catch {
            throw CommandFailure(error, of: target.name)
        }
    }

    private static func view(
        _ request: ViewRequest, _ kernel: Kernel, _ contact: UInt64
    ) throws(IntrospectionError) -> any InspectableView {
        switch request {
        case .os:
            let view = try OperatingSystemView(kernel)
            return ListView(isRecord: true) { () throws(IntrospectionError) in
                try view.read().map { ContactedRow(row: $0, contactNanoseconds: contact) }
            }
        case .mem:
            let view = try MemoryView(kernel)
            return ListView(isRecord: true, read: view.read)
        case .modules:
            let view = try ModulesView(kernel)
            return ListView(read: view.read)
        case .sockets:
            let view = try SocketView(kernel)
            return ListView { () throws(IntrospectionError) in try view.read(withOwners: true) }
        case .net:
            let view = try DeviceView(kernel)
            return ListView(read: view.read)
        case .dmesg: return LogView(log: try KernelLogView(kernel))
        case .processes(let listing):
            let list = try ProcessList(kernel)
            switch listing {
            case .threads:
                return ListView { () throws(IntrospectionError) in try list.readThreads() }
            case .plain: return ListView { () throws(IntrospectionError) in try list.read() }
            case .tree:
                return ListView { () throws(IntrospectionError) in
                    ProcessList.tree(try list.read()).map(TreeRow.init)
                }
            }
        case .files(let process):
            let list = try OpenFileList(kernel)
            return ListView { () throws(IntrospectionError) in try list.read(process: process) }
        case .areas(let process):
            let list = try MemoryAreaList(kernel)
            return ListView { () throws(IntrospectionError) in try list.read(process: process) }
        case .mounts(let process):
            let list = try MountList(kernel)
            return ListView { () throws(IntrospectionError) in try list.read(process: process) }
        case .symbols(let query):
            let view = SymbolView(kernel)
            return ListView { () throws(IntrospectionError) in try view.read(query) }
        case .type(let name):
            let view = try TypeView(kernel)
            return TextView { () throws(IntrospectionError) in try view.read(name) }
        case .bytes(let address, let count, let scope):
            let view = BytesView(kernel)
            return DumpView { () throws(IntrospectionError) in try view.read(address, count: count, in: scope)
            }
        case .walk(let address, let scope):
            let view = PageWalkView(kernel)
            return ListView { () throws(IntrospectionError) in try view.read(address, in: scope) }
        case .registers: return RegistersLook(view: RegistersView(kernel))
        case .symbolFile: return SymbolFileLook(file: try SymbolFile(kernel))
        case .stacks(let task): return StacksLook(view: try BacktraceView(kernel), task: task)
        }
    }
}

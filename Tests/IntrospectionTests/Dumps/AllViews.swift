import Introspection

/// Reads every view of a kernel, with whatever arguments it needs.
struct AllViews {
    let kernel: Kernel
    let registers: [ProcessorRegisters]
    /// Whose files, areas, mounts and stack are read.
    var processes: [Int32] = [1, 2]
    /// Told of each view: its name, and its rows or why there are none.
    let report: (String, Result<[[ViewField]], IntrospectionError>) -> Void

    /// Reads all of them, each for itself.
    func read() {
        let kernel = kernel
        // Long lists of views that are made anew: what `init` reads of the guest can be wrong too.
        view("os") { () throws(IntrospectionError) in Self.fields(try OperatingSystemView(kernel).read()) }
        view("mem") { () throws(IntrospectionError) in Self.fields(try MemoryView(kernel).read()) }
        view("modules") { () throws(IntrospectionError) in Self.fields(try ModulesView(kernel).read()) }
        view("dmesg") { () throws(IntrospectionError) in Self.fields(try KernelLogView(kernel).read()) }
        view("ps") { () throws(IntrospectionError) in Self.fields(try ProcessList(kernel).read()) }
        view("threads") { () throws(IntrospectionError) in Self.fields(try ProcessList(kernel).readThreads())
        }
        view("sockets") { () throws(IntrospectionError) in Self.fields(try SocketView(kernel).read()) }
        view("net") { () throws(IntrospectionError) in Self.fields(try DeviceView(kernel).read()) }
        view("truth") { () throws(IntrospectionError) in
            _ = try GuestTruthReader(kernel).read()
            return []
        }
        for process in processes {
            view("files \(process)") { () throws(IntrospectionError) in
                Self.fields(try OpenFileList(kernel).read(process: process))
            }
            view("maps \(process)") { () throws(IntrospectionError) in
                Self.fields(try MemoryAreaList(kernel).read(process: process))
            }
            view("mounts \(process)") { () throws(IntrospectionError) in
                Self.fields(try MountList(kernel).read(process: process))
            }
            view("bt \(process)") { () throws(IntrospectionError) in
                Self.fields(try BacktraceView(kernel).read(task: process, registers))
            }
        }
        view("bt") { () throws(IntrospectionError) in
            let stacks = try BacktraceView(kernel)
            return Self.fields(
                registers.enumerated().flatMap { stacks.read(processor: $0.offset, $0.element) })
        }
        view("regs") { () throws(IntrospectionError) in Self.fields(RegistersView(kernel).read(registers)) }
        view("syms") { () throws(IntrospectionError) in Self.fields(try SymbolView(kernel).read("init_task"))
        }
        view("walk") { () throws(IntrospectionError) in
            Self.fields(try PageWalkView(kernel).read(kernel.mapping.start, in: .kernel))
        }
    }

    private func view(_ name: String, _ read: () throws(IntrospectionError) -> [[ViewField]]) {
        kernel.refresh()
        do throws(IntrospectionError) {
            report(name, .success(try read()))
        } catch {
            report(name, .failure(error))
        }
    }

    private static func fields<Row: ViewRow>(_ rows: [Row]) -> [[ViewField]] {
        rows.map { row in zip(Row.columns, row.cells).map { ViewField($0.key, $1) } }
    }
}

/// The guest's processes, as `ps` would list them in it.
public struct ProcessList {
    let kernel: Kernel
    let tasks: TaskList
    let fields: ProcessFields
    let residentSet: ResidentSet
    let arguments: ArgumentReader
    let controlGroups: ControlGroupReader?
    let pageMemory = PageMemory()

    /// The pages that the last look needed: most of them the next one needs too, and asks for at once.
    final class PageMemory {
        var pages: [UInt64] = []
    }

    /// - Throws: `missing` if this kernel lacks what no list can do without.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        tasks = try TaskList(kernel)
        fields = try ProcessFields(kernel.types())
        residentSet = try ResidentSet(kernel)
        arguments = try ArgumentReader(kernel)
        controlGroups = ControlGroupReader(kernel)
    }

    /// All processes, in the order of their start but for those that changed their number.
    ///
    /// - Parameter details: reads command lines and control groups too, which takes as long again.
    public func read(details: Bool = true) throws(IntrospectionError) -> [ProcessRow] {
        try reading { () throws(ReadError) in
            var known = ControlGroupReader.Known()
            var rows: [ProcessRow] = []
            for process in try gather(details: details) {
                rows.append(try row(of: process, known: &known))
            }
            return rows
        }
    }

    /// All threads of all processes, a process's together.
    ///
    /// - Parameter details: as of `read`.
    public func readThreads(details: Bool = true) throws(IntrospectionError) -> [ThreadRow] {
        try reading { () throws(ReadError) in
            var known = ControlGroupReader.Known()
            var rows: [ThreadRow] = []
            for process in try gather(details: details) {
                for thread in process.threads ?? [process.task] {
                    rows.append(ThreadRow(thread: try row(ofThread: thread, in: process, known: &known)))
                }
            }
            return rows
        }
    }
}

/// Reads with which arguments a process was started, or what it wrote over them, as /proc/PID/cmdline shows
/// them (Linux, fs/proc/base.c, get_mm_cmdline).
struct ArgumentReader {
    private let kernel: Kernel
    private let tables: Field
    private let argumentStart: Field
    private let argumentEnd: Field
    private let environmentStart: Field
    private let environmentEnd: Field

    /// More than a screen can show; a process may have megabytes.
    static let longest: UInt64 = 32 << 10

    init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        tables = try types.required("pgd", of: "mm_struct")
        argumentStart = try types.required("arg_start", of: "mm_struct")
        argumentEnd = try types.required("arg_end", of: "mm_struct")
        environmentStart = try types.required("env_start", of: "mm_struct")
        environmentEnd = try types.required("env_end", of: "mm_struct")
    }

    /// The arguments, the program's name first; nil if the process has none, or they are not in RAM.
    ///
    /// - Parameter memory: the process's `mm_struct`.
    func arguments(of memory: VirtualAddress) -> [String]? {
        // Swapped out is usual, and the caller has the task's name for it.
        guard let bytes = try? text(of: memory), bytes.contains(where: { $0 != 0 }) else { return nil }
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        // What stands behind the last argument's zero is none.
        while let last = parts.last, last.isEmpty { parts.removeLast() }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    private func text(of memory: VirtualAddress) throws(ReadError) -> [UInt8] {
        let start = try kernel.pointer(argumentStart, at: memory)
        let end = try kernel.pointer(argumentEnd, at: memory)
        guard start < end, !end.isKernel else { return [] }
        let process = try UserMemory(kernel, tables: tables, memory: memory)
        let count = Int(min(end.rawValue - start.rawValue, Self.longest))
        var bytes = try process.bytes(at: start, count: count)
        guard bytes.last != 0, UInt64(count) == end.rawValue - start.rawValue else { return bytes }
        // A program that wrote a longer title over its arguments goes on into its environment.
        let next = try kernel.pointer(environmentStart, at: memory)
        let last = try kernel.pointer(environmentEnd, at: memory)
        if next == end, next < last, !last.isKernel {
            let more = Int(min(last.rawValue - next.rawValue, Self.longest))
            bytes += (try? process.bytes(at: next, count: more)) ?? []
        }
        return Array(bytes.prefix { $0 != 0 })
    }
}

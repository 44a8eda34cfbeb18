internal import CLinux
internal import Glibc
internal import HostSystem
internal import Specification

/// `roost-vmm`, the process that runs one machine.
enum Worker {
    static let name = "roost-vmm"
    private static let environmentVariable = "ROOST_VMM"

    /// The executable's path: what `$ROOST_VMM` says, else beside this executable, else in
    /// `../libexec/roost/` from there.
    static func find() throws(CommandFailure) -> String {
        if let path = HostProcess.environment(environmentVariable), !path.isEmpty {
            guard isExecutable(path) else {
                throw CommandFailure(
                    .unavailable, "\(environmentVariable) names \(path), which is no file that can be run")
            }
            return path
        }
        let directory = try ownDirectory()
        let candidates = ["\(directory)/\(name)", "\(directory)/../libexec/roost/\(name)"]
        guard let path = candidates.first(where: isExecutable) else {
            throw CommandFailure(
                .unavailable,
                "cannot find \(name) at \(candidates.joined(separator: " or ")); "
                    + "install it there, or set \(environmentVariable) to its path")
        }
        return path
    }

    private static func isExecutable(_ path: String) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        unsafe access(path, X_OK) == 0
    }

    private static func ownDirectory() throws(CommandFailure) -> String {
        let size = Int(PATH_MAX)
        // SAFETY: readlink(2) initialises the bytes that it counts, at most `size`.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = unsafe max(
                0,
                start.withMemoryRebound(to: CChar.self, capacity: size) { start in
                    unsafe readlink("/proc/self/exe", start, size)
                })
        }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else {
            throw CommandFailure(.unavailable, SystemError("read /proc/self/exe", number: errno))
        }
        return slash == 0 ? "" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// Replaces this process by the worker, which gets the specification on a descriptor.
    ///
    /// It does not return but by throwing.
    static func become(running spec: MachineSpec) throws(CommandFailure) -> Never {
        let path = try find()
        do throws(SystemError) {
            let memory = try memoryFile(holding: Array(spec.jsonText().utf8))
            // The name is there for the reader of ps(1).
            let arguments = [name, "--name", spec.name, "--spec-fd", "\(memory.number)"]
            throw execute(path, arguments)
        } catch {
            throw CommandFailure(.osError, error)
        }
    }

    /// An unnamed file that survives exec, ready to be read from its start.
    static func memoryFile(holding bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let operation = "make a memory file for the specification"
        // SAFETY: `name` is a C string for the length of this call.
        let result = unsafe "roost-spec".withCString { name in
            unsafe clinux_memfd_create(name, 0)
        }
        let file = OwnedDescriptor(takingOver: try checked(result, operation))
        try DescriptorIO.writeAll(file.number, bytes, operation: operation)
        guard lseek(file.number, 0, SEEK_SET) == 0 else { throw SystemError(operation, number: errno) }
        return file
    }

    /// execv(3), with this process's environment. It returns only to say why it failed.
    private static func execute(_ path: String, _ arguments: [String]) -> SystemError {
        // SAFETY: the copies are never freed: exec replaces the process, or it ends with an error.
        let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        // SAFETY: `path` and the arguments are C strings, and the vector ends with a null pointer.
        unsafe execv(path, pointers)
        return SystemError("start \(path)", number: errno)
    }
}

internal import CLinux
internal import Glibc
internal import HostSystem
internal import Specification

/// `roost-vmm`, the process that runs one machine.
enum Worker {
    static let name = "roost-vmm"

    static func find() throws(CommandFailure) -> String {
        try InstalledProgram.find(name, variable: "ROOST_VMM")
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

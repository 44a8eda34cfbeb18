internal import Glibc
internal import HostSystem
internal import Specification

/// The programs that come with this one.
enum InstalledProgram {
    /// An executable's path: what an environment variable says, else beside this executable, else in
    /// `../libexec/roost/` from there.
    static func find(_ name: String, variable: String) throws(CommandFailure) -> String {
        if let path = HostProcess.environment(variable), !path.isEmpty {
            guard isExecutable(path) else {
                throw CommandFailure(
                    .unavailable, "\(variable) names \(path), which is no file that can be run")
            }
            return path
        }
        let directory = try ownDirectory()
        let candidates = ["\(directory)/\(name)", "\(directory)/../libexec/roost/\(name)"]
        guard let path = candidates.first(where: isExecutable) else {
            throw CommandFailure(
                .unavailable,
                "cannot find \(name) at \(candidates.joined(separator: " or ")); "
                    + "install it there, or set \(variable) to its path")
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
}

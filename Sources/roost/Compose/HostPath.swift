internal import Glibc

/// Paths as text.
enum HostPath {
    /// The working directory; `.` if it has no path any more.
    static var current: String {
        let size = Int(PATH_MAX)
        // SAFETY: getcwd(3) writes a C string of at most `size` bytes, its end included, or fails.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
            guard let start = buffer.baseAddress, unsafe getcwd(start, size) != nil else { return "." }
            return unsafe String(cString: start)
        }
    }

    /// A path that begins at the root.
    static func absolute(_ path: String, in directory: String = current) -> String {
        guard !path.hasPrefix("/") else { return path }
        var rest = path[...]
        while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
        return directory == "/" ? "/\(rest)" : "\(directory)/\(rest)"
    }
}

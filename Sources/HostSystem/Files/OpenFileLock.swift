internal import CLinux
internal import Glibc

/// Locks that belong to an open file (F_OFD_SETLK): they keep everybody else out, this process's other
/// openings of the same file included, by whatever name; and end with the opening, however that ends.
public enum OpenFileLock {
    /// Locks the whole file, without waiting.
    ///
    /// - Parameter isExclusive: nobody else at all, for which the file is open for writing; else many may
    ///   share it, for which it is open for reading.
    /// - Returns: whether it is locked; if not, somebody else has it.
    public static func acquire(_ descriptor: Int32, isExclusive: Bool) throws(SystemError) -> Bool {
        let result = clinux_lock_open_file(descriptor, isExclusive ? 1 : 0)
        if result == -EAGAIN || result == -EACCES { return false }
        try checked(result, "lock the file")
        return true
    }

    /// Lets others have it. A lock also ends with its opening, but a ring that uses the file may keep that
    /// open for a while after its process has ended.
    public static func release(_ descriptor: Int32) {
        clinux_unlock_open_file(descriptor)
    }

    /// The processes that have locked the file of an open descriptor, as far as this user may know.
    ///
    /// The kernel keeps no process with such a lock, but shows it with every opening that holds it. For
    /// messages: it reads much of /proc.
    public static func holders(of descriptor: Int32) -> [(process: Int32, name: String)] {
        var status = stat()
        // SAFETY: the structure is ours.
        guard unsafe fstat(descriptor, &status) == 0 else { return [] }
        let inode = ":\(status.st_ino) "
        var holders: [(process: Int32, name: String)] = []
        for process in names(in: "/proc").compactMap({ Int32($0) }).sorted() {
            let hasLock = names(in: "/proc/\(process)/fdinfo").contains { number in
                let text = self.text(of: "/proc/\(process)/fdinfo/\(number)")
                return text.split(separator: "\n").contains {
                    $0.hasPrefix("lock:") && $0.contains("OFDLCK") && $0.contains(inode)
                }
            }
            if hasLock {
                let name = text(of: "/proc/\(process)/comm").prefix { $0 != "\n" }
                holders.append((process, String(name)))
            }
        }
        return holders
    }

    private static func names(in directory: String) -> [String] {
        // SAFETY: the directory is open from here to the end, and each entry valid until the next.
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                // SAFETY: the name ends with a zero, inside the entry.
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func text(of path: String) -> String {
        // A process that has gone, or belongs to somebody else, tells nothing.
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 16 << 10)
        else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}

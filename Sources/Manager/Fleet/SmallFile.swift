internal import HostSystem

extension RegularFile {
    /// The whole of a file; nil if it is none, cannot be read, or is longer than that.
    static func contents(of path: String, limit: Int) -> [UInt8]? {
        guard let file = try? open(path), let size = Int(exactly: file.size), size <= limit else {
            return nil
        }
        return try? file.bytes(at: 0, count: size)
    }
}

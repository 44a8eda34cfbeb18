public import HostSystem

/// Profiles of kernels in a directory, a file for each build id: `$XDG_CACHE_HOME/roost/kernels`.
///
/// It only saves time: a directory that cannot be read or written costs that time and nothing else.
public struct ProfileDirectory: ProfileStore {
    /// Its path.
    public let path: String
    private static let suffix = ".profile"
    /// How many are looked at: more kernels are not met.
    private static let mostFiles = 256

    /// A directory that need not exist.
    public init(path: String) {
        self.path = path
    }

    /// The user's own: `$XDG_CACHE_HOME/roost/kernels`, or `~/.cache/roost/kernels`. Nil without a home.
    public static func ofUser() -> ProfileDirectory? {
        if let cache = HostProcess.environment("XDG_CACHE_HOME"), cache.hasPrefix("/") {
            return ProfileDirectory(path: "\(cache)/roost/kernels")
        }
        guard let home = HostProcess.environment("HOME"), home.hasPrefix("/") else { return nil }
        return ProfileDirectory(path: "\(home)/.cache/roost/kernels")
    }

    /// The first whose build id the kernel has; see `ProfileStore`.
    public func find(where hasBuildID: (Int, [UInt8]) -> Bool) -> KernelProfile? {
        guard let names = try? FileTree.names(in: path) else { return nil }
        for name in names.filter({ $0.hasSuffix(Self.suffix) }).sorted().prefix(Self.mostFiles) {
            guard let file = try? RegularFile.open("\(path)/\(name)"),
                file.size >= UInt64(ProfileFile.headBytes), file.size <= UInt64(ProfileFile.sizeLimit),
                let start = try? file.bytes(at: 0, count: ProfileFile.headBytes),
                let head = ProfileFile.Head(start), hasBuildID(head.buildIDOffset, head.buildID),
                let bytes = try? file.bytes(at: 0, count: Int(file.size)),
                let profile = ProfileFile.read(bytes)
            else { continue }
            return profile
        }
        return nil
    }

    /// Keeps the profile of a kernel that was read anew.
    ///
    /// - Throws: what the file system says; the caller may pass that on as a warning.
    public func keep(_ kernel: Kernel) throws(SystemError) {
        guard let offset = kernel.buildIDOffset,
            let bytes = ProfileFile.write(kernel.profile, buildIDOffset: offset)
        else { return }
        try Self.makeDirectories(path)
        let target = "\(path)/\(kernel.profile.buildIDText)\(Self.suffix)"
        let temporary = "\(target).\(HostProcess.identifier)"
        // Whole or not at all: another Roost may read it this moment.
        do throws(SystemError) {
            try FileTree.write(bytes, to: temporary)
            try FileTree.rename(temporary, to: target)
        } catch {
            FileTree.remove(temporary)
            throw error
        }
    }

    private static func makeDirectories(_ path: String) throws(SystemError) {
        var current = ""
        for part in path.split(separator: "/") {
            current += "/\(part)"
            try FileTree.makeDirectory(current)
        }
    }
}

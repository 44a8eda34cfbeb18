internal import CLinux
internal import Glibc

/// What this host has.
public enum HostResources {
    /// All memory of the host in bytes, swap left out.
    public static var totalMemory: UInt64 {
        UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES)))) * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// How many processors this process may run on; at least 1.
    public static var availableProcessors: Int { max(1, Int(clinux_available_processors())) }

    /// A loaded kernel module's parameter as text without its new line, or nil if there is none.
    public static func moduleParameter(_ parameter: String, of module: String) -> String? {
        // Most hosts lack most modules: absence is the answer, not an error.
        guard
            let file = try? OwnedDescriptor.open("/sys/module/\(module)/parameters/\(parameter)", O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 4096)
        else { return nil }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}

internal import Glibc

extension Options {
    /// The file of a test guest.
    func guest(_ name: String) throws(BenchmarkError) -> String {
        try existing(
            "\(text("guests") ?? ".build/guests")/\(name).elf", advice: "scripts/build-guests makes it")
    }

    /// A path made absolute, if the file is there.
    func existing(_ path: String, advice: String) throws(BenchmarkError) -> String {
        // SAFETY: a C string in, an allocated one or nil out, which is freed.
        guard let absolute = unsafe realpath(path, nil) else {
            throw .unavailable("there is no \(path); \(advice)")
        }
        defer { unsafe free(absolute) }
        return unsafe String(cString: absolute)
    }
}

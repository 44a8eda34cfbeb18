import Glibc

/// What this host and this checkout have for tests.
public enum TestHost {
    /// Whether there is a /dev/kvm to test with.
    public static let hasKVM: Bool = fileAccess("/dev/kvm", F_OK)

    /// Why the tests that need it are skipped.
    public static let noKVM = "there is no /dev/kvm on this host"

    /// Whether the tests may mount and change users.
    public static let isRoot = geteuid() == 0

    /// Why the tests that need root are skipped.
    public static let notRoot = "the tests do not run as root"

    /// Whether this is the lab (docs/lab.md), where stock Linux guests run.
    public static let isLab: Bool = {
        // SAFETY: nothing changes a test program's environment; the string is looked at once, here.
        guard let word = unsafe getenv("ROOST_LAB") else { return false }
        return unsafe strcmp(word, "1") == 0
    }()

    /// The checkout's root.
    public static let root: String = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Where SwiftPM puts executables: the directory of the test bundle.
    public static let buildDirectory: String = {
        var path = [UInt8](repeating: 0, count: 4096)
        let count = unsafe path.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            // SAFETY: pointer and count describe one buffer.
            return unsafe readlink("/proc/self/exe", start.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        let whole = path.prefix(max(0, count))
        return String(
            decoding: whole.prefix(upTo: whole.lastIndex(of: UInt8(ascii: "/")) ?? 0), as: UTF8.self)
    }()

    /// The path of a test guest that `scripts/build-guests` has built.
    public static func guest(_ name: String) throws -> String {
        let path = "\(root)/.build/guests/\(name).elf"
        guard fileAccess(path, R_OK) else {
            throw TestFailure("the guest \(path) is missing: run scripts/build-guests")
        }
        return path
    }
}

/// Why a test could not go on.
public struct TestFailure: Error, CustomStringConvertible {
    /// The reason in words.
    public let description: String

    /// A reason in words.
    public init(_ description: String) {
        self.description = description
    }
}

/// access(2).
func fileAccess(_ path: String, _ mode: Int32) -> Bool {
    // SAFETY: the path is a C string for the length of the call.
    unsafe access(path, mode) == 0
}

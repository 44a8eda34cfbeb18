import Foundation

/// A directory of a test's own, which is gone with the value.
public final class TemporaryDirectory: Sendable {
    /// Its path, without a slash at the end.
    public let path: String

    /// A new, empty one.
    public init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "roost-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // A test that leaves something undeletable has said so already.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// What is in it or in a directory of it, sorted; nothing if that directory is not there.
    public func contents(of name: String = "") -> [String] {
        let directory = name.isEmpty ? path : "\(path)/\(name)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// Writes a file and answers its path.
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }

    /// A file's bytes.
    public func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
    }
}

/// A kernel image that can be read in pieces: a file to the machine, an array to a test.
public protocol ImageSource {
    /// The image's length in bytes.
    var size: UInt64 { get }

    /// Exactly `count` bytes from `offset`. The caller has checked that they lie inside `size`; a
    /// file that became shorter since is a reading error.
    func bytes(at offset: UInt64, count: Int) throws(ImageReadError) -> [UInt8]
}

/// An image that could not be read where its size says that it can.
public struct ImageReadError: Error, Equatable, CustomStringConvertible {
    /// The first byte wanted, counted from the image's start.
    public let offset: UInt64
    /// How many bytes were wanted.
    public let count: Int
    /// Why they could not be had: a clause that can stand behind a colon.
    public let reason: String

    /// Names the bytes and the reason.
    public init(offset: UInt64, count: Int, reason: String) {
        self.offset = offset
        self.count = count
        self.reason = reason
    }

    /// A clause that names the bytes and the reason.
    public var description: String { "cannot read \(count) bytes at \(hex(offset)): \(reason)" }
}

/// An image held in memory.
public struct ArrayImage: ImageSource, Sendable {
    private let contents: [UInt8]

    /// The image that consists of these bytes.
    public init(_ contents: [UInt8]) {
        self.contents = contents
    }

    /// The number of bytes.
    public var size: UInt64 { UInt64(contents.count) }

    /// The bytes, or an error if they are not all there.
    public func bytes(at offset: UInt64, count: Int) throws(ImageReadError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else {
            throw ImageReadError(offset: offset, count: count, reason: "the image ends at \(hex(size))")
        }
        let start = Int(offset)
        return Array(contents[start..<start + count])
    }
}

/// Bytes for the guest that the receiver has no room for yet. Bounded; takes no memory before its
/// first byte.
struct ConsoleInputQueue: Sendable {
    static let capacity = 4096

    private var bytes: [UInt8] = []
    private var head = 0
    private(set) var count = 0

    var room: Int { Self.capacity - count }

    /// Adds a byte. There must be room.
    mutating func append(_ byte: UInt8) {
        precondition(room > 0)
        if bytes.isEmpty { bytes = [UInt8](repeating: 0, count: Self.capacity) }
        bytes[(head + count) % Self.capacity] = byte
        count += 1
    }

    /// The oldest byte, or nil.
    mutating func popFirst() -> UInt8? {
        guard count > 0 else { return nil }
        let byte = bytes[head]
        head = (head + 1) % Self.capacity
        count -= 1
        return byte
    }
}

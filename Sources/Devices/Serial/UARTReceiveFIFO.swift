/// The sixteen bytes of a 16550's receiver.
struct UARTReceiveFIFO: Sendable {
    static let capacity = 16

    private var bytes = InlineArray<16, UInt8>(repeating: 0)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count == Self.capacity }

    /// Adds a byte. The FIFO must not be full.
    mutating func append(_ byte: UInt8) {
        precondition(!isFull)
        bytes[(head + count) % Self.capacity] = byte
        count += 1
    }

    /// The oldest byte, or nil.
    mutating func popFirst() -> UInt8? {
        guard !isEmpty else { return nil }
        let byte = bytes[head]
        head = (head + 1) % Self.capacity
        count -= 1
        return byte
    }

    mutating func removeAll() {
        head = 0
        count = 0
    }
}

/// What a driver did to a queue that makes it unusable until the device is reset.
public enum QueueError: Error, Equatable, CustomStringConvertible {
    /// The queue's size is zero, no power of two, or above the device's maximum.
    case size(UInt32, maximum: UInt16)
    /// A ring is not RAM as a whole, or not aligned as the specification asks (2.7).
    case ring(String, address: UInt64)
    /// More buffers were made available than the queue has descriptors.
    case availableIndex(UInt16, expected: UInt16)
    /// A descriptor's number is not below the size of its table.
    case descriptorIndex(UInt32, limit: UInt32)
    /// A chain is longer than its table: a loop.
    case endlessChain
    /// A buffer is not RAM as a whole.
    case buffer(address: UInt64, length: UInt32)
    /// A chain's buffers are 4 GiB or more in all (2.7.5.2).
    case tooLong
    /// A buffer for reading stands behind one for writing (2.7.4.2).
    case direction
    /// A table of indirect descriptors that was not negotiated, is empty, has a length that is no
    /// multiple of 16, is in another such table, or is more than the queue's size (2.7.5.3).
    case indirect(String)
    /// A request does not have the form its device prescribes.
    case request(String)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .size(let size, let maximum): "a queue size of \(size) is none (a power of two up to \(maximum))"
        case .ring(let name, let address):
            "the \(name) at 0x\(String(address, radix: 16)) is not aligned RAM"
        case .availableIndex(let index, let expected):
            "the available index jumped from \(expected) to \(index)"
        case .descriptorIndex(let index, let limit): "descriptor \(index) does not exist, there are \(limit)"
        case .endlessChain: "a descriptor chain has no end"
        case .buffer(let address, let length):
            "a buffer of \(length) bytes at 0x\(String(address, radix: 16)) is not RAM"
        case .tooLong: "a descriptor chain is 4 GiB or longer"
        case .direction: "a descriptor to read from follows one to write to"
        case .indirect(let fault): "an indirect descriptor \(fault)"
        case .request(let fault): "a request \(fault)"
        }
    }
}

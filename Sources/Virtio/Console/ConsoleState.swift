internal import HostSystem
public import Stats

/// All of a console that its lock guards.
struct ConsoleState: ~Copyable {
    /// Where emerg_wr lies.
    static let emergencyOffset: UInt64 = 8
    /// Bytes written in need that are kept for whoever drains.
    private static let emergencyLimit = 1024

    var configuration = ConfigurationSpace(size: 12)
    var input: VirtQueue?
    var output: VirtQueue?
    var isPaused = false
    private(set) var droppedBytes: UInt64 = 0

    /// Of the output queue: taken, and not read to its end if `isReading`.
    private var outputChain = DescriptorChain()
    private var isReading = false
    private var inputChain = DescriptorChain()
    /// `type` had more than there was room for.
    private var wantsInput = false
    /// What was written in need.
    private var emergency: [UInt8] = []
    /// Since when output has waited for somebody to drain it.
    private var waitingSince: UInt64?
    private let counters: ConsoleDeviceCounters

    init(_ counters: ConsoleDeviceCounters) {
        self.counters = counters
        configuration.set(UInt32(1), at: 4)
    }

    mutating func dropQueues() {
        input = nil
        output = nil
        isReading = false
        waitingSince = nil
    }

    /// - Returns: whether that is another size than before.
    mutating func resize(_ size: TerminalSize) -> Bool {
        let old = (configuration.get(UInt16.self, at: 0), configuration.get(UInt16.self, at: 2))
        configuration.set(size.columns, at: 0)
        configuration.set(size.rows, at: 2)
        return old != (size.columns, size.rows)
    }

    mutating func write(inNeed byte: UInt8) {
        guard emergency.count < Self.emergencyLimit else {
            droppedBytes += 1
            return
        }
        emergency.append(byte)
    }

    /// Whether somebody waits for room that may be there now.
    mutating func takeWish() -> Bool {
        guard wantsInput, !isPaused else { return false }
        wantsInput = false
        return true
    }

    /// Looks whether there is output, and from when on it waits.
    mutating func noticeOutput(at now: UInt64) throws(QueueError) -> Bool {
        guard try hasOutput() else { return false }
        if waitingSince == nil { waitingSince = now }
        return true
    }

    private mutating func hasOutput() throws(QueueError) -> Bool {
        guard !isPaused else { return false }
        if isReading || !emergency.isEmpty { return true }
        return try output?.hasAvailable() ?? false
    }

    /// Takes output, oldest first.
    mutating func drain(into bytes: inout [UInt8]) throws(QueueError) -> Int {
        guard !isPaused else { return 0 }
        if !emergency.isEmpty {
            let count = min(emergency.count, bytes.count)
            bytes.replaceSubrange(0..<count, with: emergency[0..<count])
            emergency.removeFirst(count)
            counters.output.add(UInt64(count))
            return count
        }
        var span = bytes.mutableSpan
        // SAFETY: a UInt8 takes every bit pattern.
        var room = unsafe span.mutableBytes
        let count = try take(into: &room)
        waitingSince = nil
        counters.output.add(UInt64(count))
        return count
    }

    /// Reads chains to their ends, gives them back, and asks for more.
    private mutating func take(into room: inout MutableRawSpan) throws(QueueError) -> Int {
        guard var queue = output.take() else { return 0 }
        var done = 0
        repeat {
            queue.disableNotification()
            while done < room.byteCount {
                if !isReading {
                    guard try queue.pop(into: &outputChain) else { break }
                    isReading = true
                }
                let count = min(outputChain.readableBytes, room.byteCount - done)
                unsafe room.withUnsafeMutableBytes { buffer in
                    // SAFETY: done + count <= the buffer's size.
                    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + count)])
                    var bytes = unsafe part.mutableBytes
                    _ = outputChain.read(into: &bytes)
                }
                done += count
                guard outputChain.readableBytes == 0 else { break }
                queue.push(outputChain.head, written: 0)
                isReading = false
            }
            queue.signal()
        } while try queue.enableNotification() && done < room.byteCount
        output = consume queue
        return done
    }

    /// Puts bytes into the guest's buffers.
    mutating func type(_ bytes: ArraySlice<UInt8>) throws(QueueError) -> Int {
        guard !isPaused, var queue = input.take() else {
            wantsInput = true
            return 0
        }
        var rest = bytes
        repeat {
            while !rest.isEmpty, try queue.pop(into: &inputChain) {
                // SAFETY: a UInt8 has no padding that could be uninitialised.
                let written = unsafe inputChain.write(rest.span.bytes)
                queue.push(inputChain.head, written: written)
                rest = rest.dropFirst(written)
            }
            queue.signal()
        } while try queue.enableNotification() && !rest.isEmpty
        input = consume queue
        wantsInput = !rest.isEmpty
        counters.input.add(UInt64(bytes.count - rest.count))
        return bytes.count - rest.count
    }

    /// Drops output that has waited too long.
    mutating func review(at now: UInt64) throws(QueueError) -> UInt64? {
        guard try hasOutput() else {
            waitingSince = nil
            return nil
        }
        let since = waitingSince ?? now
        waitingSince = since
        guard now >= since, now - since >= ConsoleDevice.patience else {
            return since + ConsoleDevice.patience
        }
        var lost = UInt64(emergency.count)
        emergency = []
        if var queue = output.take() {
            if isReading {
                lost += UInt64(outputChain.readableBytes)
                queue.push(outputChain.head, written: 0)
                isReading = false
            }
            // As many as the queue holds, no more: a guest that goes on writing has its turn later.
            for _ in 0..<queue.size {
                guard try queue.pop(into: &outputChain) else { break }
                lost += UInt64(outputChain.readableBytes)
                queue.push(outputChain.head, written: 0)
            }
            queue.signal()
            if try queue.enableNotification() { waitingSince = now }
            output = consume queue
        }
        droppedBytes += lost
        counters.dropped.set(droppedBytes)
        // Still nobody reads: what comes next waits no longer than this.
        return try hasOutput() ? now : nil
    }
}

/// A console device's numbers on the stats page.
public struct ConsoleDeviceShape: Sendable {
    /// The one there is.
    public static let usual = ConsoleDeviceShape()

    /// All of them.
    public let shape: StatsShape
    /// Bytes the guest wrote, of those that were taken from it.
    public let output: StatsSlot
    /// Bytes the guest wrote that nobody read in time.
    public let dropped: StatsSlot
    /// Bytes given to the guest.
    public let input: StatsSlot

    private init() {
        var shape = StatsShape()
        output = shape.counter("output", .bytes)
        dropped = shape.counter("dropped", .bytes)
        input = shape.counter("input", .bytes)
        self.shape = shape
    }
}

/// Its cells, written with the device's lock held.
struct ConsoleDeviceCounters: Sendable {
    let output: StatsCell
    let dropped: StatsCell
    let input: StatsCell

    init(_ section: StatsSection) {
        let shape = ConsoleDeviceShape.usual
        output = section[shape.output]
        dropped = section[shape.dropped]
        input = section[shape.input]
    }
}

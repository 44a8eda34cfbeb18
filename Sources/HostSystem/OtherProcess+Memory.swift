internal import CLinux
internal import Glibc

extension OtherProcess {
    /// Some of another process's memory.
    public struct MemoryRange: Equatable, Sendable {
        /// Its address in that process.
        public let start: UInt64
        /// Its length in bytes.
        public let count: Int

        /// Both as given.
        public init(start: UInt64, count: Int) {
            self.start = start
            self.count = count
        }
    }

    /// The most ranges of one system call, IOV_MAX.
    private static let rangesAtOnce = 1024

    /// Copies ranges of the process's memory one after the other into `bytes`; process_vm_readv(2), with as
    /// few calls as can be. The process does not notice.
    ///
    /// - Parameters:
    ///   - ranges: together as long as `bytes`.
    /// - Throws: EPERM if this process may not trace that one, EFAULT if a range is not mapped there, ESRCH
    ///   if it has ended.
    public func readMemory(_ ranges: [MemoryRange], into bytes: inout MutableRawSpan) throws(SystemError) {
        precondition(ranges.reduce(0) { $0 + $1.count } == bytes.byteCount)
        let process = identifier
        // SAFETY: the buffer is used for the length of the call; see below.
        let failure: Int32 = unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            var offset = 0
            var next = 0
            while next < ranges.count {
                let part = ranges[next..<min(next + Self.rangesAtOnce, ranges.count)]
                let size = part.reduce(0) { $0 + $1.count }
                let pairs = part.flatMap { [$0.start, UInt64($0.count)] }
                // SAFETY: `size` bytes of the buffer are free from `offset` on, by the precondition; the
                // other addresses are only the other process's.
                let result = unsafe clinux_read_process(process, start + offset, size, pairs, part.count)
                if result < 0 { return Int32(-result) }
                // Less than all: the range behind what was read is not mapped.
                guard result == size else { return EFAULT }
                offset += size
                next += part.count
            }
            return 0
        }
        guard failure == 0 else {
            throw SystemError("read the memory of process \(identifier)", number: failure)
        }
        // Its number may by now be another's.
        guard try isAlive() else {
            throw SystemError("read the memory of process \(identifier)", number: ESRCH)
        }
    }

    /// Whether it still runs.
    public func isAlive() throws(SystemError) -> Bool {
        var events = PollSet()
        events.watch(endDescriptor, for: .readable)
        try events.wait(timeoutMilliseconds: 0)
        return events.readiness(of: endDescriptor).isEmpty
    }
}

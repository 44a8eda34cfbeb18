internal import Glibc
internal import HostSystem
internal import Stats

extension BlockState {
    /// Begins with a request; it may be given back before this returns.
    mutating func launch(_ index: Int) {
        switch slots[index].work {
        case .answer:
            complete(index, slots[index].verdict)
        case .read:
            counters.reads.add()
            counters.readBytes.add(slots[index].left)
            if canReadCached, readCached(index) { return }
            transfer(index)
        case .write:
            counters.writes.add()
            counters.writtenBytes.add(slots[index].left)
            transfer(index)
        case .flush:
            counters.flushes.add()
            if changes == mediumChanges { complete(index, .ok) } else { synchronize(index) }
        case .identify:
            identify(index)
        case .punchHole, .zeroRange, .writeZeros:
            beginRange(index)
        }
    }

    /// Reads what the host's memory has.
    ///
    /// - Returns: whether the request is done; else the rest is to be read otherwise.
    private mutating func readCached(_ index: Int) -> Bool {
        while slots[index].left > 0 {
            // SAFETY: the segments are the slot's chain's, which was validated, and only read into now.
            let result = unsafe CachedRead.read(
                image.bufferedNumber, into: slots[index].chain.unsafeWritable, at: slots[index].offset)
            guard result > 0 else {
                if result == -Int64(EOPNOTSUPP) { canReadCached = false }
                // The file's end, or trouble: the other way finds it too, and says so.
                return false
            }
            slots[index].advance(by: Int(result))
        }
        counters.cached.add()
        complete(index, .ok)
        return true
    }

    /// Reads or writes what is left.
    private mutating func transfer(_ index: Int) {
        guard slots[index].left > 0 else { return complete(index, .ok) }
        slots[index].isDirect = isAligned(index)
        let file = slots[index].isDirect ? DiskImage.directFile : DiskImage.bufferedFile
        let token = UInt64(index)
        // SAFETY: the segments are the slot's, which stays as it is until the completion has come; and
        // guest memory outlives the device, which waits for its requests before it ends.
        if case .read = slots[index].work {
            engine.begin(
                unsafe FileCommand(
                    .read, file: file, segments: slots[index].chain.unsafeWritable,
                    offset: slots[index].offset, token: token))
        } else {
            engine.begin(
                unsafe FileCommand(
                    isWriteThrough ? .writeThrough : .write, file: file,
                    segments: slots[index].chain.unsafeReadable, offset: slots[index].offset, token: token))
        }
    }

    /// Whether the page cache can be passed by.
    private func isAligned(_ index: Int) -> Bool {
        guard let alignment = image.shape.directAlignment, !slots[index].refusesDirect else { return false }
        let sizes = alignment.offset - 1
        guard slots[index].offset & UInt64(sizes) == 0 else { return false }
        let segments =
            if case .read = slots[index].work { unsafe slots[index].chain.unsafeWritable } else {
                unsafe slots[index].chain.unsafeReadable
            }
        // SAFETY: only addresses and lengths are looked at.
        return unsafe segments.allSatisfy {
            unsafe UInt(bitPattern: $0.iov_base) & UInt(alignment.memory - 1) == 0 && $0.iov_len & sizes == 0
        }
    }

    private mutating func synchronize(_ index: Int) {
        // What a request with ranges did is among it.
        if slots[index].isChange { changes &+= 1 }
        slots[index].work = .flush
        slots[index].covers = changes
        engine.begin(FileCommand(.synchronize, file: DiskImage.bufferedFile, token: UInt64(index)))
    }

    private mutating func identify(_ index: Int) {
        // 20 bytes; a shorter name ends with a zero (virtio 1.2, 5.2.6.1).
        var name = InlineArray<20, UInt8>(repeating: 0)
        for (place, byte) in id.utf8.prefix(20).enumerated() { name[place] = byte }
        // SAFETY: a UInt8 has no padding that could be uninitialised.
        let isWhole = unsafe slots[index].chain.write(name.span.bytes) == name.count
        complete(index, isWhole ? .ok : .ioError)
    }

    /// Does the next range of a discard or write-zeroes request; after the last the request is done.
    private mutating func beginRange(_ index: Int) {
        let isThere = slots[index].nextRange(
            limits, canPunchHoles: canPunchHoles, canZeroRanges: canZeroRanges)
        guard isThere else {
            let verdict = slots[index].verdict
            let mustLast = isWriteThrough && !slots[index].isDiscard && verdict == .ok
            return mustLast ? synchronize(index) : complete(index, verdict)
        }
        if slots[index].isDiscard { counters.discards.add() } else { counters.zeroes.add() }
        workOnRange(index)
    }

    private mutating func workOnRange(_ index: Int) {
        let offset = slots[index].offset
        let left = slots[index].left
        let token = UInt64(index)
        let file = DiskImage.bufferedFile
        switch slots[index].work {
        case .punchHole:
            engine.begin(FileCommand(.punchHole, file: file, offset: offset, length: left, token: token))
        case .zeroRange:
            engine.begin(FileCommand(.zeroRange, file: file, offset: offset, length: left, token: token))
        default:
            let segments = unsafe ZeroBytes.segments(count: left)
            // SAFETY: the zeros are there for ever, and are only read.
            engine.begin(
                unsafe FileCommand(.write, file: file, segments: segments, offset: offset, token: token))
        }
    }
}

// What the engine answers.
extension BlockState {
    /// Goes on with a request of which a part is done, or failed.
    mutating func proceed(_ index: Int, _ result: Int64) {
        let isForLater = result == -Int64(EAGAIN) || result == -Int64(EINTR)
        switch slots[index].work {
        case .read, .write:
            if isForLater { return transfer(index) }
            if result == -Int64(EINVAL), slots[index].isDirect {
                slots[index].refusesDirect = true
                return transfer(index)
            }
            // Nothing read is the end of a file that has become shorter.
            guard result > 0 else { return fail(index, result) }
            slots[index].advance(by: Int(result))
            transfer(index)
        case .flush:
            if isForLater { return synchronize(index) }
            guard result >= 0 else { return fail(index, result) }
            mediumChanges = max(mediumChanges, slots[index].covers)
            complete(index, .ok)
        case .punchHole, .zeroRange:
            if isForLater { return workOnRange(index) }
            if result == -Int64(EOPNOTSUPP) { return doWithout(index) }
            if result < 0 { fail(index, result) } else { beginRange(index) }
        case .writeZeros:
            if isForLater { return workOnRange(index) }
            guard result > 0 else { return fail(index, result) }
            let done = min(UInt64(result), slots[index].left)
            slots[index].offset += done
            slots[index].left -= done
            if slots[index].left > 0 { workOnRange(index) } else { beginRange(index) }
        case .answer, .identify:
            complete(index, .ioError)
        }
    }

    /// The file cannot do it so: in the next best way, now and ever after.
    private mutating func doWithout(_ index: Int) {
        if case .punchHole = slots[index].work {
            canPunchHoles = false
            // To keep what may be given back is right, if useless.
            if slots[index].isDiscard { return beginRange(index) }
            slots[index].work = canZeroRanges ? .zeroRange : .writeZeros
        } else {
            canZeroRanges = false
            slots[index].work = .writeZeros
        }
        workOnRange(index)
    }

    /// Answers an I/O error for a reason of the host's, and says so.
    private mutating func fail(_ index: Int, _ result: Int64) {
        let slot = slots[index].work
        let place = slots[index].offset
        let reason =
            result == 0
            ? "the image ends there; it has become shorter" : SystemError("", number: Int32(result)).reason
        environment.log.warning(
            "cannot \(Self.verb(slot)) \(image.path) at byte \(place): \(reason); the guest gets an I/O error"
        )
        complete(index, .ioError)
    }

    private static func verb(_ work: BlockSlot.Work) -> String {
        switch work {
        case .read: "read"
        case .flush: "flush"
        case .punchHole: "punch a hole into"
        default: "write to"
        }
    }
}

extension BlockSlot {
    /// Makes sense of a chain: finds the status's place, checks the header against the disk.
    ///
    /// How the driver cut the request into descriptors does not matter (virtio 1.2, 2.7.4.1).
    ///
    /// - Throws: if there is no byte for a status; everything else is answered there.
    mutating func parse(
        _ limits: BlockLimits, _ features: FeatureSet, isReadOnly: Bool
    ) throws(QueueError) {
        guard let status = chain.takeLastWritable(1) else { throw .request("has no byte for its status") }
        self.status = status
        room = chain.writableBytes
        work = .answer
        isRead = false
        isDiscard = false
        isDirect = false
        refusesDirect = false
        offset = 0
        left = 0
        verdict = .ioError
        guard let header = chain.read(as: BlockHeader.self, zero: .zero) else { return }
        guard let type = BlockRequestType(rawValue: UInt32(littleEndian: header.type)) else {
            verdict = .unsupported
            return
        }
        let sector = UInt64(littleEndian: header.sector)
        switch type {
        case .read:
            isRead = true
            guard let place = limits.offset(of: sector, bytes: chain.writableBytes) else { return }
            begin(.read, at: place, bytes: chain.writableBytes)
        case .write:
            guard !isReadOnly, let place = limits.offset(of: sector, bytes: chain.readableBytes) else {
                return
            }
            begin(.write, at: place, bytes: chain.readableBytes)
        case .flush:
            work = .flush
        case .identify:
            work = .identify
        case .discard, .writeZeroes:
            parseRanges(type, features, isReadOnly: isReadOnly)
        }
    }

    private mutating func begin(_ work: Work, at offset: UInt64, bytes: Int) {
        self.work = work
        self.offset = offset
        left = UInt64(bytes)
    }

    private mutating func parseRanges(
        _ type: BlockRequestType, _ features: FeatureSet, isReadOnly: Bool
    ) {
        guard !isReadOnly else { return }
        isDiscard = type == .discard
        guard features.contains(isDiscard ? .blockDiscard : .blockWriteZeroes) else {
            verdict = .unsupported
            return
        }
        let bytes = chain.readableBytes
        guard bytes > 0, bytes % BlockRange.size == 0,
            bytes / BlockRange.size <= BlockLimits.rangesPerRequest
        else { return }
        // Which it is, each range says.
        work = .punchHole
    }

    /// What a limit on bytes counts.
    var countedBytes: UInt64 {
        switch work {
        case .read, .write: left
        default: 0
        }
    }

    /// The next range of a discard or write-zeroes request, as work to do.
    ///
    /// - Returns: false if there is none, or it is wrong: the verdict says which.
    mutating func nextRange(_ limits: BlockLimits, canPunchHoles: Bool, canZeroRanges: Bool) -> Bool {
        while true {
            guard let range = chain.read(as: BlockRange.self, zero: .zero) else {
                verdict = .ok
                return false
            }
            let flags = UInt32(littleEndian: range.flags)
            // No other flag exists, and a discard has none (5.2.6.2).
            guard flags & ~(isDiscard ? 0 : BlockRange.unmap) == 0 else {
                verdict = .unsupported
                return false
            }
            let count = UInt32(littleEndian: range.sectorCount)
            guard count <= BlockLimits.rangeSectors,
                let place = limits.offset(of: UInt64(littleEndian: range.sector), sectors: UInt64(count))
            else {
                verdict = .ioError
                return false
            }
            guard count > 0 else { continue }
            offset = place
            left = UInt64(count) * BlockLimits.sectorSize
            let mayUnmap = isDiscard || flags & BlockRange.unmap != 0
            work = mayUnmap && canPunchHoles ? .punchHole : canZeroRanges ? .zeroRange : .writeZeros
            return true
        }
    }
}

/// An address of the internet protocol, version 4 or 6, in network order.
public struct InternetAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes.
    public let bytes: [UInt8]

    /// - Parameter bytes: 4 or 16; anything else is the unspecified IPv6 address.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes.count == 4 || bytes.count == 16 ? bytes : [UInt8](repeating: 0, count: 16)
    }

    /// Whether it is IPv6.
    public var isVersion6: Bool { bytes.count == 16 }

    /// Dotted decimal, or the canonical text of RFC 5952.
    public var description: String {
        guard isVersion6 else { return Self.dotted(bytes[...]) }
        let groups = (0..<8).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
        // IPv4-mapped addresses are told in the mixed form (section 5).
        if groups[0..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF {
            return "::ffff:" + Self.dotted(bytes[12...])
        }
        // The longest run of two or more zero groups, the first of equals, becomes `::`.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end + 1
        }
        func text(_ part: Range<Int>) -> String {
            part.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { "\($0)" }.joined(separator: ".")
    }
}

/// One end of a connection.
public struct InternetEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// The host's address.
    public let address: InternetAddress
    /// The port; 0 for none.
    public let port: UInt16

    /// `192.0.2.2:22`, `[::1]:53`, `0.0.0.0:*`.
    public var description: String {
        let host = address.isVersion6 ? "[\(address)]" : "\(address)"
        return host + ":" + (port == 0 ? "*" : "\(port)")
    }
}

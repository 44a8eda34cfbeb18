/// Where the fields of the configuration are (5.1.4).
enum NetworkConfigurationField {
    static let status = 6
    static let queuePairs = 8
    static let mtu = 10
    /// VIRTIO_NET_S_LINK_UP.
    static let linkUp: UInt16 = 1
}

extension ConfigurationSpace {
    /// Sets the address, which is in the low 48 bits, the first byte highest.
    mutating func setAddress(_ address: UInt64) {
        for index in 0..<6 { set(UInt8(truncatingIfNeeded: address >> (40 - 8 * UInt64(index))), at: index) }
    }
}

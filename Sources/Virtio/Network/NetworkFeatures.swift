internal import HostSystem

/// Feature bits of the network device (virtio 1.2, 5.1.3).
extension FeatureSet {
    /// The device leaves checksums of sent frames to the host (VIRTIO_NET_F_CSUM).
    static let checksum = FeatureSet(bit: 0)
    /// The driver takes frames with partial checksums (VIRTIO_NET_F_GUEST_CSUM).
    static let guestChecksum = FeatureSet(bit: 1)
    /// The driver may change what it takes (VIRTIO_NET_F_CTRL_GUEST_OFFLOADS).
    static let controlOffloads = FeatureSet(bit: 2)
    /// The configuration has the MTU (VIRTIO_NET_F_MTU).
    static let mtu = FeatureSet(bit: 3)
    /// The configuration has the address (VIRTIO_NET_F_MAC).
    static let address = FeatureSet(bit: 5)
    /// The driver takes large TCP packets over IPv4 (VIRTIO_NET_F_GUEST_TSO4).
    static let guestTCP4 = FeatureSet(bit: 7)
    /// As above, over IPv6 (VIRTIO_NET_F_GUEST_TSO6).
    static let guestTCP6 = FeatureSet(bit: 8)
    /// As above, with congestion marks (VIRTIO_NET_F_GUEST_ECN).
    static let guestCongestion = FeatureSet(bit: 9)
    /// The device takes large TCP packets over IPv4 (VIRTIO_NET_F_HOST_TSO4).
    static let hostTCP4 = FeatureSet(bit: 11)
    /// As above, over IPv6 (VIRTIO_NET_F_HOST_TSO6).
    static let hostTCP6 = FeatureSet(bit: 12)
    /// As above, with congestion marks (VIRTIO_NET_F_HOST_ECN).
    static let hostCongestion = FeatureSet(bit: 13)
    /// A received packet may lie in several chains (VIRTIO_NET_F_MRG_RXBUF).
    static let mergeableBuffers = FeatureSet(bit: 15)
    /// The configuration has the link's status (VIRTIO_NET_F_STATUS).
    static let linkStatus = FeatureSet(bit: 16)
    /// There is a control queue (VIRTIO_NET_F_CTRL_VQ).
    static let controlQueue = FeatureSet(bit: 17)
    /// The driver may change the address by the control queue (VIRTIO_NET_F_CTRL_MAC_ADDR).
    static let controlAddress = FeatureSet(bit: 23)
    /// The driver takes many UDP packets in one over IPv4 (VIRTIO_NET_F_GUEST_USO4).
    static let guestUDP4 = FeatureSet(bit: 54)
    /// As above, over IPv6 (VIRTIO_NET_F_GUEST_USO6).
    static let guestUDP6 = FeatureSet(bit: 55)
    /// The device takes many UDP packets in one (VIRTIO_NET_F_HOST_USO).
    static let hostUDP = FeatureSet(bit: 56)

    /// What the driver may switch by the control queue (5.1.6.5.6.1).
    static let guestOffloads: FeatureSet = [
        .guestChecksum, .guestTCP4, .guestTCP6, .guestCongestion, .guestUDP4, .guestUDP6,
    ]
    private static let offloads: FeatureSet = [
        .checksum, .guestChecksum, .controlOffloads, .hostTCP4, .hostTCP6, .hostCongestion, .guestTCP4,
        .guestTCP6, .guestCongestion,
    ]
    private static let largeUDP: FeatureSet = [.hostUDP, .guestUDP4, .guestUDP6]

    /// What a network device offers.
    ///
    /// Not filtering by address and group (VIRTIO_NET_F_CTRL_RX): the host's bridge knows who is where, and
    /// Linux would send four commands each time the interface comes up, and wait for each.
    static func network(offloads hasOffloads: Bool, largeUDP hasLargeUDP: Bool) -> FeatureSet {
        var features: FeatureSet = [
            .address, .mtu, .linkStatus, .mergeableBuffers, .controlQueue, .controlAddress,
        ]
        if hasOffloads { features.formUnion(.offloads) }
        if hasOffloads, hasLargeUDP { features.formUnion(.largeUDP) }
        return features
    }

    /// What the tap may hand to a driver that takes these offloads.
    var tapOffloads: TapOffloads {
        // A large packet's checksum is never whole: without that, nothing (5.1.3.1).
        guard contains(.guestChecksum) else { return [] }
        var offloads: TapOffloads = .checksum
        if contains(.guestTCP4) { offloads.insert(.tcp4) }
        if contains(.guestTCP6) { offloads.insert(.tcp6) }
        // The kernel refuses the marks without either, and one kind of UDP without the other.
        if contains(.guestCongestion), !offloads.isDisjoint(with: [.tcp4, .tcp6]) {
            offloads.insert(.congestion)
        }
        if contains(.guestUDP4), contains(.guestUDP6) { offloads.insert(.udp) }
        return offloads
    }
}

/// Sizes of frames with the header in front of each (virtio 1.2, 5.1.6).
enum NetworkFrame {
    /// struct virtio_net_hdr with num_buffers, which every driver of version 1 has.
    static let headerSize = 12
    /// Where in it the flags are: 8 bits.
    static let flagsOffset = 0
    /// Where in it num_buffers is: 16 bits, little-endian.
    static let bufferCountOffset = 10
    /// An Ethernet header with a VLAN tag.
    static let ethernetSize = 18
    /// No frame is longer, header included: 64 KiB of packet, as a tap with offloads gives and takes.
    static let largest = headerSize + ethernetSize + 65_536

    /// The longest frame that comes out of a tap, header included.
    ///
    /// - Parameter mayBeLarge: whether packets come uncut.
    static func longest(mtu: Int, mayBeLarge: Bool) -> Int {
        mayBeLarge ? largest : min(headerSize + ethernetSize + mtu, largest)
    }
}

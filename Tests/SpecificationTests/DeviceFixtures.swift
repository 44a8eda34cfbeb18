import Specification

extension MachineSpec {
    /// A machine with every device, and every field of theirs away from its default.
    static func makeWithAllDevices() -> MachineSpec {
        var disk = DiskSpec(path: "data, old=1.img", id: "data")
        disk.isReadOnly = true
        disk.direct = true
        disk.cache = .writethrough
        disk.engine = .threads
        disk.discard = false
        disk.queueSize = 1024
        disk.iops = RateLimit(perSecond: 500, burst: 1000)
        disk.bps = RateLimit(perSecond: 50 << 20, burst: 3)
        var net = NetSpec(tap: "tap0", id: "lan")
        net.mac = MACAddress(value: 0x0200_5E10_0001)
        net.mtu = 9000
        net.offloads = false
        net.queueSize = 2
        net.receiveBytes = RateLimit(perSecond: 1, burst: 2)
        net.receivePackets = RateLimit(perSecond: 3, burst: 4)
        net.sendBytes = RateLimit(perSecond: 5, burst: 6)
        net.sendPackets = RateLimit(perSecond: 7, burst: 8)
        var vsock = VsockSpec(path: "web1.sock")
        vsock.cid = 4_294_967_294
        var balloon = BalloonSpec()
        balloon.size = .mebibytes(64)
        balloon.deflateOnOOM = false
        balloon.statsInterval = Interval(milliseconds: 1500)
        balloon.freePageReporting = false
        balloon.freePageHinting = true
        var rng = EntropySpec()
        rng.source = "/dev/hwrng"
        rng.bps = RateLimit(perSecond: 1024, burst: 1)

        var spec = MachineSpec(name: "web1", kernel: "k")
        spec.disks = [DiskSpec(path: "root.img", id: "disk0"), disk]
        spec.nets = [net, NetSpec(tap: "tap1", id: "net1")]
        spec.vsock = vsock
        spec.balloon = balloon
        spec.rng = rng
        spec.virtioConsole = .pty
        spec.ioThreads = 64
        return spec
    }
}

import JSONText
import Specification
import Testing

@Suite("Virtio devices in a specification")
struct DeviceSpecTests {
    @Test("What is written comes back equal", arguments: [true, false])
    func roundTrip(pretty: Bool) throws {
        let spec = MachineSpec.makeWithAllDevices()
        let text = spec.jsonText(pretty: pretty)
        #expect(try MachineSpec(jsonText: text) == spec)
        #expect(try MachineSpec(jsonText: text).jsonText(pretty: pretty) == text)
    }

    @Test("The smallest devices have documented defaults")
    func defaults() throws {
        let spec = try read(
            #""disks":[{"path":"p"},{"path":"q"}],"nets":[{"tap":"t"}],"vsock":{"path":"s"},"#
                + #""balloon":{},"rng":{}"#)
        var wished = MachineSpec(name: "a", kernel: "k")
        wished.disks = [DiskSpec(path: "p", id: "disk0"), DiskSpec(path: "q", id: "disk1")]
        wished.nets = [NetSpec(tap: "t", id: "net0")]
        wished.vsock = VsockSpec(path: "s")
        wished.balloon = BalloonSpec()
        wished.rng = EntropySpec()
        #expect(spec == wished)
        let devices = [
            #""disks":[{"path":"p","id":"disk0","readonly":false,"direct":false,"cache":"writeback","#,
            #""engine":"auto","discard":true,"queueSize":256},{"path":"q","id":"disk1","#,
            #""readonly":false,"direct":false,"cache":"writeback","engine":"auto","discard":true,"#,
            #""queueSize":256}],"nets":[{"tap":"t","id":"net0","offloads":true,"queueSize":256}],"#,
            #""vsock":{"path":"s","cid":3},"balloon":{"size":"0","deflateOnOom":true,"#,
            #""statsInterval":"1s","freePageReporting":true,"freePageHinting":false},"#,
            #""rng":{"source":"/dev/urandom"}}"#,
        ].joined()
        #expect(spec.jsonText().hasSuffix(devices))
    }

    @Test("The guest finds disks, cards, vsock, balloon, random numbers and console in this order")
    func order() {
        let devices = MachineSpec.makeWithAllDevices().virtioDevices
        #expect(
            devices.map(\.id) == ["disk0", "data", "lan", "net1", "vsock", "balloon", "rng", "console"])
        #expect(MachineSpec(name: "a", kernel: "k").virtioDevices.isEmpty)
    }

    @Test("A card has the address it was given, else the one of the machine's name and its place")
    func addresses() {
        let spec = MachineSpec.makeWithAllDevices()
        #expect(spec.macAddress(ofNet: 0).description == "02:00:5e:10:00:01")
        #expect(spec.macAddress(ofNet: 1) == .derived(machine: "web1", index: 1))
    }

    @Test("Standard input goes to the virtio console if only that asks for it")
    func stdioMoves() throws {
        #expect(try read(#""virtioConsole":"stdio""#).console == .none)
        #expect(try read(#""virtioConsole":"pty""#).console == .stdio)
        #expect(try read(#""virtioConsole":"stdio","console":"pty""#).console == .pty)
    }

    @Test("Fourteen devices fit")
    func fourteen() throws {
        var spec = MachineSpec(name: "a", kernel: "k")
        spec.disks = (0..<13).map { DiskSpec(path: "p", id: "disk\($0)") }
        spec.rng = EntropySpec()
        try spec.validate()
        spec.vsock = VsockSpec(path: "s")
        let error = #expect(throws: SpecError.self) { try spec.validate() }
        #expect(
            error?.description
                == "the machine has 15 virtio devices (disks, network cards and others); at most 14 fit")
    }

    @Test("A value that was made, not read, is checked as well")
    func made() throws {
        let changes: [(inout MachineSpec) -> Void] = [
            { $0.disks[1].queueSize = 3 }, { $0.disks[1].queueSize = .min },
            { $0.disks[0].iops = RateLimit(perSecond: 0) },
            { $0.disks[0].bps = RateLimit(perSecond: 1, burst: .max) },
            { $0.disks[0].id = "" }, { $0.disks[0].path = "a\0" }, { $0.nets[0].mtu = 0 },
            { $0.nets[0].tap = "" }, { $0.nets[0].sendPackets?.burst = 0 },
            { $0.nets[0].mac = MACAddress(value: 0) }, { $0.vsock?.cid = 2 }, { $0.rng?.source = "" },
            { $0.balloon?.statsInterval = .seconds(3601) }, { $0.balloon?.size = ByteSize(bytes: 1) },
            { $0.ioThreads = 0 },
        ]
        try MachineSpec.makeWithAllDevices().validate()
        for (index, change) in changes.enumerated() {
            var spec = MachineSpec.makeWithAllDevices()
            change(&spec)
            #expect(throws: SpecError.self, "change \(index)") { try spec.validate() }
        }
        var spec = MachineSpec.makeWithAllDevices()
        spec.disks[1].queueSize = 3
        let error = #expect(throws: SpecError.self) { try spec.validate() }
        #expect(
            error?.description == "disks[1].queueSize is 3; allowed: a power of two from 2 to 1024")
    }

    private func read(_ members: String) throws -> MachineSpec {
        try MachineSpec(jsonText: "{\"version\":1,\"name\":\"a\",\"kernel\":\"k\",\(members)}")
    }
}

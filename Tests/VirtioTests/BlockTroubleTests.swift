import Foundation
import GuestMemory
import HostSystem
import MachineTesting
import Stats
import Testing
import Virtio

@Suite("Disk: trouble on the host, reset, pause")
struct BlockTroubleTests {
    @Test(
        "an image that becomes shorter is an I/O error, and the device goes on", arguments: BlockWay.available
    )
    func truncated(way: BlockWay) throws {
        let disk = try TestDisk(way, contents: TestDisk.pattern(1 << 20))
        try TestFile.truncate(disk.path, to: 8192)
        for sector: UInt64 in [16, 100, 2040] {
            let request = try disk.offer(TestDisk.header(0, sector), writable: 4096)
            _ = try disk.finish()
            #expect(try disk.status(request) == 1)
            #expect(
                try disk.data(request) == [UInt8](repeating: 0, count: 4096),
                "nothing of before is left there")
        }
        #expect(try disk.read(12, count: 4096) == nil, "half of it is gone")
        #expect(try disk.read(8, count: 4096) == Array(TestDisk.pattern(8192)[4096...]))
        #expect(disk.device.counters.errors.value == 4)
        #expect(disk.driver.log.first?.contains(disk.path) == true)
        #expect(disk.driver.log.first?.contains("shorter") == true)
        #expect(try disk.write(16, TestDisk.pattern(4096)) == 0, "what is written is there again")
        #expect(try disk.read(16, count: 4096) == TestDisk.pattern(4096))
    }

    @Test(
        "a host's disk that fills is an I/O error, and the device goes on",
        .enabled(if: TestHost.isRoot, "\(TestHost.notRoot)"), arguments: BlockWay.available)
    func full(way: BlockWay) throws {
        let mount = try SmallFileSystem(bytes: 1 << 20)
        let path = mount.path + "/disk.img"
        try TestFile.make(path, size: 4 << 20)
        let disk: TestDisk
        do {
            disk = try TestDisk(way, path: path)
        } catch DiskImageError.notDirect {
            // Memory file systems before Linux 6.6 have no direct I/O.
            return
        }
        var failures = 0
        for number in 0..<32 {
            failures += Int(
                try disk.write(UInt64(number * 128), TestDisk.pattern(65536, seed: UInt8(number))))
        }
        #expect(failures >= 16, "so much does not fit")
        #expect(disk.device.counters.errors.value == UInt64(failures))
        #expect(disk.driver.log.first?.contains("No space left on device") == true)
        #expect(disk.driver.log.count <= 6, "nobody floods the log")
        #expect(try disk.read(0, count: 65536) == TestDisk.pattern(65536, seed: 0))
        #expect(try disk.ranges(11, [(0, 8192, 0)]) == 0)
        #expect(try disk.write(4096, TestDisk.pattern(65536)) == 0, "there is room again")
    }

    @Test(
        "a reset amid many requests waits for them, and the device works after it",
        arguments: BlockWay.available)
    func reset(way: BlockWay) throws {
        let disk = try TestDisk(way, contents: TestDisk.pattern(4 << 20))
        for round in 0..<10 {
            let target = disk.driver.allocate(65536)
            for number in 0..<20 {
                let source = disk.driver.allocate(16)
                try disk.driver.memory.copyIn(
                    TestDisk.header(UInt32((number + round) % 2), UInt64(number * 128)),
                    to: GuestAddress(source))
                let isRead = (number + round) % 2 == 0
                let flags = isRead ? GuestDescriptor.write : 0
                try disk.queue.offer([
                    GuestDescriptor(address: source, length: 16),
                    GuestDescriptor(address: target, length: 65536, flags: flags),
                    GuestDescriptor(address: source + 15, length: 1, flags: GuestDescriptor.write),
                ])
            }
            disk.driver.notify(0)
            disk.driver.setRegister(0x70, 0)
            let quiet = try disk.driver.memory.bytes(at: GuestAddress(target), count: 65536)
            #expect(disk.driver.status == [])
            try disk.start()
            #expect(try disk.read(0, count: 512) != nil)
            #expect(try disk.driver.memory.bytes(at: GuestAddress(target), count: 65536) == quiet)
        }
        #expect(disk.device.counters.inFlight.value == 0)
        #expect(disk.driver.signals.failures == 0)
    }

    @Test(
        "a pause gives back all that was taken and takes nothing until resumed", arguments: BlockWay.available
    )
    func pause(way: BlockWay) throws {
        let disk = try TestDisk(way, contents: TestDisk.pattern(1 << 20))
        let first = try (0..<10).map { try disk.offer(TestDisk.header(0, UInt64($0 * 8)), writable: 4096) }
        disk.driver.notify(0)
        disk.device.pause()
        #expect(disk.device.counters.reads.value == 10)
        for request in first { #expect(try disk.status(request) == 0) }
        let late = try disk.offer(TestDisk.header(0, 0), writable: 4096)
        disk.driver.notify(0)
        #expect(try disk.status(late) == 0xEE)
        disk.device.resume()
        _ = try disk.finish(11)
        #expect(try disk.status(late) == 0)
    }

    @Test(
        "whatever a driver offers, the device lives and memory elsewhere stays", arguments: BlockWay.available
    )
    func hostile(way: BlockWay) throws {
        var random = SeededGenerator(seed: 42)
        let disk = try TestDisk(way, contents: TestDisk.pattern(1 << 20))
        let guard0 = disk.driver.allocate(4096)
        try disk.driver.memory.copyIn([UInt8](repeating: 0x5A, count: 4096), to: GuestAddress(guard0))
        let area = disk.driver.allocate(1 << 20)
        for _ in 0..<600 {
            var chain: [GuestDescriptor] = []
            for number in 0..<Int.random(in: 1...6, using: &random) {
                let address = area + UInt64.random(in: 0..<(1 << 19), using: &random)
                let sizes: [UInt32] = [0, 1, 15, 16, 17, 512, 513, 4096, 70_000]
                let length = sizes.randomElement(using: &random) ?? 1
                let isWritable = number > 0 && Bool.random(using: &random)
                chain.append(
                    GuestDescriptor(
                        address: address, length: length, flags: isWritable ? GuestDescriptor.write : 0))
                if number == 0 {
                    let types: [UInt32] = [0, 1, 4, 8, 11, 13, 99]
                    let sectors: [UInt64] = [0, 1, 2047, 2048, .max, 1 << 54]
                    try disk.driver.memory.copyIn(
                        TestDisk.header(
                            types.randomElement(using: &random) ?? 0,
                            sectors.randomElement(using: &random) ?? 0),
                        to: GuestAddress(address))
                }
            }
            try disk.queue.offer(chain)
            disk.driver.notify(0)
            if disk.driver.status.contains(.needsReset) || Int.random(in: 0..<40, using: &random) == 0 {
                disk.driver.setRegister(0x70, 0)
                try disk.start()
            }
        }
        disk.driver.setRegister(0x70, 0)
        try disk.start()
        #expect(try disk.read(0, count: 512) != nil)
        let bytes = try disk.driver.memory.bytes(at: GuestAddress(guard0), count: 4096)
        #expect(bytes == [UInt8](repeating: 0x5A, count: 4096))
    }
}

/// A file system in memory with little room, mounted as long as the value lives.
final class SmallFileSystem {
    let path: String
    private let directory: TemporaryDirectory

    init(bytes: Int) throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/small"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let mount = try ChildProcess(
            "/usr/bin/mount", ["-t", "tmpfs", "-o", "size=\(bytes)", "roost-test", path])
        guard try mount.finish() == .exited(0) else { throw TestFailure("cannot mount a tmpfs at \(path)") }
    }

    deinit {
        // What cannot be unmounted now goes with its last file.
        _ = try? ChildProcess("/usr/bin/umount", ["-l", path]).finish()
    }
}

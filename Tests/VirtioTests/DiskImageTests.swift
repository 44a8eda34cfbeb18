import Devices
import Foundation
import HostSystem
import MachineTesting
import Testing
import Virtio

@Suite("Disk: opening and locking images")
struct DiskImageTests {
    let directory: TemporaryDirectory
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/disk.img"
    }

    private func failure(
        _ path: String, isReadOnly: Bool = false, isDirect: Bool = false
    ) -> DiskImageError? {
        do throws(DiskImageError) {
            _ = try DiskImage.open(path, isReadOnly: isReadOnly, isDirect: isDirect)
            return nil
        } catch {
            return error
        }
    }

    @Test("an image that is missing, empty, of odd size, or no file is named with what is wrong")
    func badImages() throws {
        let missing = try #require(failure(path))
        #expect("\(missing)" == "cannot open the disk \(path): No such file or directory")
        try TestFile.make(path, size: 0)
        #expect(failure(path) == .empty(path))
        for size in [1, 511, 513, 1_000_000] {
            try TestFile.truncate(path, to: size)
            #expect(failure(path) == .oddSize(path, size: UInt64(size)))
            #expect("\(try #require(failure(path)))".contains("\(size) bytes"))
        }
        #expect(failure(directory.path) == .wrongKind(directory.path, kind: "a directory"))
        #expect(
            failure(directory.path, isReadOnly: true) == .wrongKind(directory.path, kind: "a directory"))
        #expect(failure("/dev/null") == .wrongKind("/dev/null", kind: "a character device"))
        let pipe = directory.path + "/pipe"
        #expect(try ChildProcess("/usr/bin/mkfifo", [pipe]).finish() == .exited(0))
        #expect(failure(pipe) == .wrongKind(pipe, kind: "a pipe"))
        try TestFile.truncate(path, to: 512)
        #expect(failure(path) == nil)
    }

    @Test("two cannot write one image, by whatever name, nor one write what another reads")
    func locks() throws {
        try withNoProcessBeingStarted { try lockByEveryName() }
    }

    private func lockByEveryName() throws {
        try TestFile.make(path, size: 4096)
        let link = directory.path + "/link.img"
        let hard = directory.path + "/hard.img"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        try FileManager.default.linkItem(atPath: path, toPath: hard)
        let names = [
            path, link, hard, directory.path + "/../" + directory.path.split(separator: "/")[1] + "/disk.img",
        ]
        do {
            let writer = try DiskImage.open(path, isReadOnly: false)
            for name in names {
                #expect(failure(name) == .locked(name, holder: "this machine itself", isReadOnly: false))
                #expect(
                    failure(name, isReadOnly: true)
                        == .locked(name, holder: "this machine itself", isReadOnly: true))
            }
            let size = writer.size
            #expect(size == 4096)
        }
        do {
            let reader = try DiskImage.open(path, isReadOnly: true)
            for name in names {
                #expect(failure(name, isReadOnly: true) == nil, "many may read")
                #expect(failure(name) == .locked(name, holder: "this machine itself", isReadOnly: false))
            }
            let isReadOnly = reader.isReadOnly
            #expect(isReadOnly)
        }
        #expect(failure(path) == nil, "nobody has it any more")
        try TestFile.make(path + ".copy", size: 4096)
        let writer = try DiskImage.open(path, isReadOnly: false)
        #expect(failure(path + ".copy") == nil, "another file is another file")
        let isReadOnly = writer.isReadOnly
        #expect(!isReadOnly)
    }

    @Test(
        "a block device is a disk: size, blocks, holes, and nobody else's",
        .enabled(if: LoopDevice.isPossible),
        arguments: BlockWay.available)
    func blockDevice(way: BlockWay) throws {
        try TestFile.make(path, contents: TestDisk.pattern(4 << 20))
        let loop = try LoopDevice(path)
        let disk = try TestDisk(way, path: loop.path)
        #expect(disk.driver.transport.read(offset: 0x100, width: .quadWord) == 8192)
        #expect(try disk.read(100, count: 8192) == Array(TestDisk.pattern(4 << 20)[51200..<59392]))
        let bytes = TestDisk.pattern(65536, seed: 99)
        #expect(try disk.write(1, bytes) == 0)
        #expect(try disk.read(1, count: 65536) == bytes)
        let before = try TestFile.allocated(path)
        #expect(try disk.ranges(11, [(2048, 4096, 0)]) == 0)
        #expect(try disk.ranges(13, [(6144, 1024, 1), (7168, 8, 0)]) == 0)
        #expect(try disk.perform(TestDisk.header(4)) == 0)
        #expect(try disk.read(2048, count: 8192) == [UInt8](repeating: 0, count: 8192))
        #expect(try disk.read(7168, count: 4096) == [UInt8](repeating: 0, count: 4096))
        #expect(try TestFile.allocated(path) <= before - (2 << 20), "holes reach the file below")
        guard case .locked = failure(loop.path) else {
            Issue.record("a second writer was let in")
            return
        }
    }

    @Test("direct I/O on a file system without it is refused", .enabled(if: TestHost.isRoot))
    func noDirect() throws {
        let mount = try SmallFileSystem(bytes: 1 << 20)
        let path = mount.path + "/disk.img"
        try TestFile.make(path, size: 65536)
        // Memory file systems have it since Linux 6.6.
        if let failure = failure(path, isDirect: true) { #expect(failure == .notDirect(path)) }
        #expect(failure(path) == nil)
    }
}

/// A loop device on a file, as long as the value lives.
final class LoopDevice {
    let path: String

    static let isPossible =
        TestHost.isRoot && FileManager.default.fileExists(atPath: "/dev/loop-control")
        && FileManager.default.fileExists(atPath: "/usr/sbin/losetup")

    init(_ file: String) throws {
        let setup = try ChildProcess("/usr/sbin/losetup", ["--find", "--show", file])
        guard try setup.finish() == .exited(0) else {
            throw TestFailure("losetup: \(String(decoding: setup.errors, as: UTF8.self))")
        }
        path = String(decoding: setup.output.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    deinit {
        _ = try? ChildProcess("/usr/sbin/losetup", ["--detach", path]).finish()
    }
}

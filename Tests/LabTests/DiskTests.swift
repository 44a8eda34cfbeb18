import MachineTesting
import Testing

extension LabSuite {
    @Suite("A virtio disk", .serialized)
    struct DiskTests {
        static let mebibyte = 1 << 20

        /// What fio does: blocks of a size, so many under way at once, and how much in all.
        struct Load: CustomTestStringConvertible {
            let block: String
            let depth: Int
            let kibibytes: Int

            var testDescription: String { "\(block) blocks, \(depth) at once" }

            var command: String {
                "fio --name=load --filename=/mnt/load --direct=1 --rw=randwrite --bs=\(block) --iodepth=\(depth)"
                    + " --size=\(kibibytes)k --verify=crc32c --verify_fatal=1 --ioengine=libaio --thread"
                    + " --output-format=terse"
            }

            static let all = [
                Load(block: "4k", depth: 1, kibibytes: 1024), Load(block: "4k", depth: 8, kibibytes: 4096),
                Load(block: "4k", depth: 64, kibibytes: 8192), Load(block: "1M", depth: 1, kibibytes: 16384),
                Load(block: "1M", depth: 16, kibibytes: 65536),
            ]
        }

        @Test("holds an ext4 file system that fio writes and verifies, and gives discarded space back")
        func fileSystem() throws {
            let directory = try TemporaryDirectory()
            let image = try DiskImage("data.img", bytes: 256 * Self.mebibyte, in: directory)
            let frozen = try DiskImage("frozen.img", bytes: 16 * Self.mebibyte, in: directory)
            try Lab.run([Lab.tool("records"), "write", frozen.path, "64"])
            let linux = try LinuxMachine(devices: [
                "--disk", "path=\(image.path),id=data", "--disk", "path=\(frozen.path),id=frozen,readonly=on",
            ])

            #expect(try linux.number("cat /sys/block/vda/size") == 256 * Self.mebibyte / 512)
            #expect(
                try linux.succeed("echo $(cat /sys/block/vda/serial) $(cat /sys/block/vdb/serial)")
                    == "data frozen")
            #expect(try linux.succeed("cat /sys/block/vda/ro /sys/block/vdb/ro") == "0\n1")
            try linux.succeed("records check /dev/vdb 63")
            #expect(try linux.run("records write /dev/vdb 1; echo status $?").hasSuffix("status 1"))

            try linux.succeed("mkfs.ext4 -q /dev/vda && mkdir /mnt && mount -t ext4 /dev/vda /mnt")
            for load in Load.all {
                // Terse: version;fio's version;job;group;error;KiB read …; and it read all to verify it.
                let report = try linux.succeed(load.command).split(separator: ";")
                #expect(report.count > 5 && report[4] == "0", "\(load.testDescription)")
                #expect(report.count > 5 && report[5] == "\(load.kibibytes)", "\(load.testDescription)")
            }
            let full = try image.allocated
            #expect(full > 64 * Self.mebibyte)
            try linux.succeed("rm /mnt/load && sync && fstrim /mnt")
            let trimmed = try image.allocated
            #expect(trimmed < full - 60 * Self.mebibyte, "the file's space is the host's again")
            try linux.succeed("umount /mnt && e2fsck -f -n /dev/vda")
            #expect(try linux.run("dmesg | grep -E 'I/O error|EXT4-fs error'") == "")

            try linux.succeed("blkdiscard /dev/vda")
            #expect(try image.allocated < Self.mebibyte, "nothing of the image takes space")
            try linux.succeed("records write /dev/vda 64 >/dev/null && records check /dev/vda 63")
            try linux.powerOff()
            try Lab.run([Lab.tool("records"), "check", image.path, "63"])
            try Lab.run([Lab.tool("records"), "check", frozen.path, "63"])
        }

        @Test("has every record that was flushed before SIGKILL hit its machine amid writes")
        func sudden() throws {
            let directory = try TemporaryDirectory()
            let image = try DiskImage("data.img", bytes: 64 * Self.mebibyte, in: directory)
            let linux = try LinuxMachine(devices: ["--disk", "path=\(image.path)"])
            let last = try killAmidWrites(linux, to: "/dev/vda")
            try Lab.run([Lab.tool("records"), "check", image.path, "\(last)"])
        }

        @Test("has a file system that is whole again after SIGKILL, with all that was flushed")
        func suddenWithFileSystem() throws {
            let directory = try TemporaryDirectory()
            let image = try DiskImage("data.img", bytes: 64 * Self.mebibyte, in: directory)
            let mount = "mkdir /mnt && mount -t ext4 /dev/vda /mnt"
            let first = try LinuxMachine(devices: ["--disk", "path=\(image.path)"])
            try first.succeed("mkfs.ext4 -q /dev/vda && \(mount)")
            let last = try killAmidWrites(first, to: "/mnt/records")

            let second = try LinuxMachine(devices: ["--disk", "path=\(image.path)"])
            try second.succeed("\(mount) && records check /mnt/records \(last) && umount /mnt")
            try second.succeed("e2fsck -f -n /dev/vda")
            try second.powerOff()
        }

        /// Has the guest write records, and kills the machine at some moment; answers the number of the last
        /// record that the guest knew to be safe.
        private func killAmidWrites(_ linux: LinuxMachine, to file: String) throws -> Int {
            let enough = Int.random(in: 20...150)
            try linux.process.type("records write \(file)\n")
            try linux.process.wait(forOutput: "record \(enough)\r\n")
            linux.process.signal(9)
            #expect(try linux.process.finish() == .killed(signal: 9))
            // Whole lines only: the last may be cut off.
            let lines = linux.process.output.text.split(separator: "\r\n", omittingEmptySubsequences: false)
                .dropLast()
            let last = lines.last { $0.hasPrefix("record ") }?.dropFirst("record ".count)
            let number = try #require(last.flatMap { Int($0) })
            #expect(number >= enough && number < 4095, "it was killed amid writes")
            return number
        }
    }
}

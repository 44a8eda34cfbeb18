import MachineTesting
import Testing

extension LabSuite {
    @Suite("A virtio entropy device", .serialized)
    struct EntropyTests {
        @Test("is the kernel's source of random numbers, and never gives the same twice")
        func random() throws {
            let linux = try LinuxMachine(devices: ["--rng"])
            #expect(try linux.succeed("cat /sys/class/misc/hw_random/rng_current") == "virtio_rng.0")
            try linux.succeed("head -c 65536 /dev/hwrng > /first && head -c 65536 /dev/hwrng > /second")
            #expect(try linux.number("wc -c < /first") == 65536)
            #expect(try linux.run("cmp -s /first /second; echo status $?") == "status 1")
            // What is random cannot be packed: gzip adds some bytes.
            #expect(try linux.number("cat /first /second | gzip | wc -c") > 131072)
            try linux.powerOff()
        }
    }
}

import MachineTesting
import Testing

extension LabSuite {
    @Suite("Stock Debian Linux", .serialized)
    struct StockLinuxTests {
        @Test(
            "boots by every protocol with one and two processors, and its shell answers over the serial port",
            arguments: LinuxMachine.Image.allCases, [1, 2])
        func boots(image: LinuxMachine.Image, cpus: Int) throws {
            let linux = try LinuxMachine(image, cpus: cpus)
            try linux.waitForShell()
            #expect(try linux.run("nproc").contains("\(cpus)"))

            let memory = try linux.run("free -m | grep Mem:").split(separator: " ")
            let total = try #require(memory.count > 1 ? Int(memory[1]) : nil)
            #expect((180...256).contains(total), "of 256 MiB the kernel shows what it does not take itself")

            let interrupts = try linux.run("cat /proc/interrupts")
            let serial = try #require(interrupts.split(separator: "\n").first { $0.contains("ttyS0") })
            #expect(serial.contains("IO-APIC") && serial.contains("4-edge"))
            let counts = serial.split(separator: " ").dropFirst().prefix(cpus).compactMap { Int($0) }
            #expect(counts.reduce(0, +) > 0, "the serial port works by interrupts")
            #expect(interrupts.contains("LOC:"))

            let complaints = try linux.run("dmesg -r | grep -E '^<[0-4]>.*(ACPI|acpi)|ACPI.*[Ee]rror'")
            #expect(complaints == "", "ACPI is without an error or a warning")
            #expect(try linux.run("dmesg | grep -c 'ACPI: Interpreter enabled'").contains("1"))

            try linux.process.type("poweroff\n")
            #expect(try linux.finish() == .exited(0))
            #expect(linux.process.errors.text == "")
        }

        @Test("reboot ends the machine with its own status")
        func reboot() throws {
            let linux = try LinuxMachine(.vmlinuxByPVH, commandLine: "quiet roost.run=reboot")
            #expect(try linux.finish() == .exited(32))
            #expect(linux.process.output.contains("roost-guest: init running"))
        }

        @Test("a panic that reboots at once ends the machine too")
        func panic() throws {
            let linux = try LinuxMachine(.vmlinuxByPVH, commandLine: "quiet panic=-1 roost.run=panic")
            #expect(try linux.finish() == .exited(32))
            #expect(linux.process.output.contains("Kernel panic - not syncing"))
        }

        @Test("SIGTERM presses the power button, and a guest that listens powers off in its own time")
        func powerButton() throws {
            let linux = try LinuxMachine(.vmlinuxByLinux64, modules: true)
            try linux.waitForShell()
            #expect(try linux.run("grep -l 'Power Button' /sys/class/input/*/name").contains("/name"))
            // The quotes keep the words of the command's echo apart from what it prints.
            try linux.process.type(
                "(exec 3</dev/input/event0; echo is''open; head -c 24 <&3 >/dev/null; echo pre''ssed; poweroff -f) &\n"
            )
            try linux.process.wait(forOutput: "isopen")
            linux.process.signal(15)
            try linux.process.wait(forOutput: "pressed")
            #expect(try linux.finish() == .exited(0))
        }

        @Test("a paste of 3000 characters arrives whole")
        func paste() throws {
            let linux = try LinuxMachine(.vmlinuxByPVH)
            try linux.waitForShell()
            try linux.process.type("stty -echo; echo ready; cat > /pasted\n")
            try linux.process.wait(forOutput: "\r\nready")
            let line = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
            let text = (0..<50).map { "\($0) \(line)\n" }.joined()
            // Ctrl-D ends the input of `cat`.
            try linux.process.type(text + "\u{4}")
            try linux.process.type("stty echo; wc -c < /pasted\n")
            try linux.process.wait(forOutput: "\(text.utf8.count)")
            try linux.process.type("poweroff\n")
            #expect(try linux.finish() == .exited(0))
        }

        @Test("the host is described as one where stock Linux runs")
        func host() throws {
            let host = try ChildProcess(TestHost.buildDirectory + "/roost", ["host"])
            #expect(try host.finish() == .exited(0))
            #expect(host.output.contains("kvm_amd") || host.output.contains("kvm_intel"))
        }
    }
}

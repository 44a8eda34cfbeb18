import Devices
import Testing
import X86

@Suite("The machine that ACPI announces")
struct PlatformTests {
    @Test("is the one whose devices answer")
    func numbers() {
        #expect(UInt64(PCPlatform.sleepStatusPort) == ACPIPower.sleepStatusPort)
        #expect(UInt64(PCPlatform.sleepControlPort) == ACPIPower.sleepControlPort)
        #expect(UInt64(PCPlatform.resetPort) == ACPIPower.resetPort)
        #expect(PCPlatform.resetCommand == ACPIPower.resetValue)
        #expect(PCPlatform.softOffSleepType == ACPIPower.softOffType)
        #expect(UInt64(PCPlatform.keyboardCommandPort) == I8042.commandPort)
        #expect(UInt64(PCPlatform.serialPortCount) == Serial16550.size)
        #expect(UInt64(PCPlatform.clockPortCount) == CMOSClock.size)
        #expect(Int(PCPlatform.ioAPICPinCount) == IOAPIC.pinCount)
    }
}

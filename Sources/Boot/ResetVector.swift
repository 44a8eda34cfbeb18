internal import X86

/// What a PC's firmware has at F000:FFF0, where a processor begins after a reset: code that asks for one.
///
/// Linux on a machine with hardware-reduced ACPI and no EFI reboots by going back to real mode and
/// jumping there (`efi_reboot_required` in its arch/x86, then the BIOS method); old systems do too.
enum ResetVector {
    /// 16-bit code: writes the reset command to ACPI's reset port, and halts should that do nothing.
    static let code: [UInt8] = [
        0xB0, PCPlatform.resetCommand,  // mov $command, %al
        // mov $port, %dx
        0xBA, UInt8(truncatingIfNeeded: PCPlatform.resetPort), UInt8(PCPlatform.resetPort >> 8),
        0xEE,  // out %al, %dx
        0xF4,  // hlt
        0xEB, 0xFD,  // jmp to the hlt
    ]
}

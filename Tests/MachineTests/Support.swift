import Foundation
import GuestMemory
import MachineTesting

extension SmallKernel {
    /// Where `readingNothing` copies to.
    static let destination = GuestAddress(0x200000)

    /// A kernel that copies bytes from where nothing is by one string instruction, and ends.
    static func readingNothing(times count: Int, thenExitingWith code: UInt8) -> SmallKernel {
        SmallKernel(
            code: [0xFC]  // cld
                + [0xBE] + little(0xD000_0000 as UInt32)  // mov $0xd0000000, %esi
                + [0xBF] + little(UInt32(destination.rawValue))  // mov $destination, %edi
                + [0xB9] + little(UInt32(count))  // mov $count, %ecx
                + [0xF3, 0xA4]  // rep movsb
                + [0x66, 0xBA] + little(0xF4 as UInt16)  // mov $0xf4, %dx
                + [0xB0, code, 0xEE]  // mov $code, %al; out %al, %dx
                + [0xF4])  // hlt
    }
}

/// How many of this process's descriptors are virtual CPUs.
func virtualCPUDescriptors() -> Int {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.count { number in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)"))?
            .contains("kvm-vcpu") == true
    }
}

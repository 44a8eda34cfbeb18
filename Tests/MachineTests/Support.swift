import Foundation
import MachineTesting

extension SmallKernel {
    /// A kernel that writes bytes to the serial port by one string instruction, and ends.
    static func writing(_ text: [UInt8], thenExitingWith code: UInt8) -> SmallKernel {
        let data: UInt32 = 0x200000
        var kernel = SmallKernel(
            code: [0xFC]  // cld
                + [0xBE] + little(data)  // mov $data, %esi
                + [0xB9] + little(UInt32(text.count))  // mov $count, %ecx
                + [0x66, 0xBA] + little(0x3F8 as UInt16)  // mov $0x3f8, %dx
                + [0xF3, 0x6E]  // rep outsb
                + [0x66, 0xBA] + little(0xF4 as UInt16)  // mov $0xf4, %dx
                + [0xB0, code, 0xEE]  // mov $code, %al; out %al, %dx
                + [0xF4])  // hlt
        kernel.segments.append(Segment(UInt64(data), text))
        return kernel
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

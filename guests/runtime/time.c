#include "time.h"

#include "console.h"
#include "msr.h"
#include "processor.h"
#include "ring0.h"

#define HYPERVISOR_LEAF 0x40000000
#define HYPERVISOR_TIMING_LEAF 0x40000010
#define HYPERVISOR_PRESENT (1u << 31) // leaf 1, ECX
#define KVM_FEATURES_LEAF 0x40000001
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)
#define TSC_LEAF 0x15
#define KVM_SIGNATURE_EBX 0x4b4d564b // "KVMK"

#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define KVM_SYSTEM_TIME_ENABLE 1

#define ASSUMED_TSC_KHZ 1000000 // what QEMU's TCG does

// struct pvclock_vcpu_time_info of the KVM ABI. The MSR wants it 4-byte aligned and within one page.
struct kvm_clock {
    uint32_t version, padding;
    uint64_t tsc_timestamp, system_time;
    uint32_t tsc_to_system_multiplier;
    int8_t tsc_shift;
    uint8_t flags, reserved[2];
};
_Static_assert(sizeof(struct kvm_clock) == 32, "struct pvclock_vcpu_time_info");

uint64_t time_tsc_khz_argument;

static uint64_t khz_from_hypervisor_leaf(void) {
    if (!(cpuid(1).ecx & HYPERVISOR_PRESENT)) return 0;
    return cpuid(HYPERVISOR_LEAF).eax >= HYPERVISOR_TIMING_LEAF ? cpuid(HYPERVISOR_TIMING_LEAF).eax : 0;
}

static uint64_t khz_from_processor_leaf(void) {
    if (cpuid(0).eax < TSC_LEAF) return 0;
    struct cpuid leaf = cpuid(TSC_LEAF); // TSC = crystal (ECX, Hz) * EBX / EAX
    return leaf.eax ? (uint64_t)leaf.ecx * leaf.ebx / leaf.eax / 1000 : 0;
}

static uint64_t khz_from_kvm_clock(void) {
    static volatile struct kvm_clock clock __attribute__((aligned(32)));
    if (!(cpuid(1).ecx & HYPERVISOR_PRESENT) || cpuid(HYPERVISOR_LEAF).ebx != KVM_SIGNATURE_EBX) return 0;
    if (!(cpuid(KVM_FEATURES_LEAF).eax & KVM_FEATURE_CLOCKSOURCE2)) return 0;
    in_ring0(ring0_write_msr, MSR_KVM_SYSTEM_TIME, (uint64_t)&clock | KVM_SYSTEM_TIME_ENABLE, 0);
    uint64_t multiplier = clock.tsc_to_system_multiplier;
    int shift = clock.tsc_shift;
    in_ring0(ring0_write_msr, MSR_KVM_SYSTEM_TIME, 0, 0);
    if (!multiplier) return 0;
    // nanoseconds = (cycles << shift) * multiplier / 2^32; a negative shift is one to the right.
    uint64_t khz = (1000000ULL << 32) / multiplier;
    return shift < 0 ? khz << -shift : khz >> shift;
}

uint64_t time_tsc_khz(void) {
    static uint64_t khz;
    if (!khz) khz = khz_from_hypervisor_leaf();
    if (!khz) khz = khz_from_processor_leaf();
    if (!khz) khz = khz_from_kvm_clock();
    if (!khz) khz = time_tsc_khz_argument;
    if (!khz) {
        khz = ASSUMED_TSC_KHZ;
        print("note: TSC frequency not known, %lu kHz assumed (tsc_khz=N sets it)\n", khz);
    }
    return khz;
}

// Both go by way of 128-bit products, whose divisions by 64 bits the compiler cannot do without a library.
static uint64_t multiply_divide(uint64_t value, uint64_t factor, uint64_t divisor) {
    uint64_t high, low, quotient, remainder;
    __asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(value), "r"(factor));
    __asm__("divq %4" : "=a"(quotient), "=d"(remainder) : "a"(low), "d"(high), "r"(divisor));
    return quotient;
}

uint64_t time_cycles_to_nanoseconds(uint64_t cycles) {
    return multiply_divide(cycles, 1000000, time_tsc_khz());
}

uint64_t time_microseconds_to_cycles(uint64_t microseconds) {
    return multiply_divide(microseconds, time_tsc_khz(), 1000);
}

void time_wait_microseconds(uint64_t microseconds) {
    uint64_t start = read_tsc(), cycles = time_microseconds_to_cycles(microseconds);
    while (read_tsc() - start < cycles) spin_hint();
}

// The whole of <linux/kvm.h> for Swift, and what its importer cannot see: request numbers
// (macros that compute), structures with a flexible array, and constants newer than the headers
// of the oldest system Roost builds on (Debian 12: Linux 6.1).
#ifndef ROOST_CKVM_H
#define ROOST_CKVM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

// ioctl(2) that answers -errno instead of setting errno, so that no Swift code runs in between.
long ckvm_ioctl(int descriptor, unsigned long request, unsigned long argument);
long ckvm_ioctl_pointer(int descriptor, unsigned long request, void *argument);

#define CKVM_REQUEST(name) static const unsigned long ckvm_##name = name

CKVM_REQUEST(KVM_GET_API_VERSION);
CKVM_REQUEST(KVM_CREATE_VM);
CKVM_REQUEST(KVM_CHECK_EXTENSION);
CKVM_REQUEST(KVM_GET_VCPU_MMAP_SIZE);
CKVM_REQUEST(KVM_GET_SUPPORTED_CPUID);
CKVM_REQUEST(KVM_CREATE_VCPU);
CKVM_REQUEST(KVM_SET_USER_MEMORY_REGION);
CKVM_REQUEST(KVM_SET_TSS_ADDR);
CKVM_REQUEST(KVM_CREATE_IRQCHIP);
CKVM_REQUEST(KVM_SET_GSI_ROUTING);
CKVM_REQUEST(KVM_SIGNAL_MSI);
CKVM_REQUEST(KVM_IRQFD);
CKVM_REQUEST(KVM_IOEVENTFD);
CKVM_REQUEST(KVM_ENABLE_CAP);
CKVM_REQUEST(KVM_RUN);
CKVM_REQUEST(KVM_GET_REGS);
CKVM_REQUEST(KVM_SET_REGS);
CKVM_REQUEST(KVM_GET_SREGS);
CKVM_REQUEST(KVM_SET_SREGS);
CKVM_REQUEST(KVM_GET_MSRS);
CKVM_REQUEST(KVM_SET_MSRS);
CKVM_REQUEST(KVM_SET_CPUID2);
CKVM_REQUEST(KVM_GET_MP_STATE);
CKVM_REQUEST(KVM_GET_TSC_KHZ);
CKVM_REQUEST(KVM_GET_STATS_FD);

// KVM_RUN, the one request that is made millions of times: the system call itself, inlined. Answers
// -errno, as the kernel does.
static inline __attribute__((always_inline)) long ckvm_run(int descriptor) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(16L /* ioctl */), "D"((long)descriptor), "S"(KVM_RUN), "d"(0L)
                   : "rcx", "r11", "memory");
  return result;
}

// Structures that end in a flexible array: Swift sizes and fills them as plain memory.
static const size_t ckvm_cpuid2_header_size = offsetof(struct kvm_cpuid2, entries);
static const size_t ckvm_msrs_header_size = offsetof(struct kvm_msrs, entries);
static const size_t ckvm_irq_routing_header_size = offsetof(struct kvm_irq_routing, entries);

// Layout the Swift side relies on. A header that says otherwise must not build.
_Static_assert(sizeof(struct kvm_regs) == 144, "kvm_regs");
_Static_assert(sizeof(struct kvm_sregs) == 312, "kvm_sregs");
_Static_assert(sizeof(struct kvm_segment) == 24, "kvm_segment");
_Static_assert(sizeof(struct kvm_userspace_memory_region) == 32, "kvm_userspace_memory_region");
_Static_assert(sizeof(struct kvm_cpuid_entry2) == 40, "kvm_cpuid_entry2");
_Static_assert(sizeof(struct kvm_msr_entry) == 16, "kvm_msr_entry");
_Static_assert(sizeof(struct kvm_msi) == 32, "kvm_msi");
_Static_assert(sizeof(struct kvm_irqfd) == 32, "kvm_irqfd");
_Static_assert(sizeof(struct kvm_ioeventfd) == 64, "kvm_ioeventfd");
_Static_assert(sizeof(struct kvm_irq_routing_entry) == 48, "kvm_irq_routing_entry");
_Static_assert(offsetof(struct kvm_run, immediate_exit) == 1, "kvm_run.immediate_exit");
_Static_assert(offsetof(struct kvm_run, exit_reason) == 8, "kvm_run.exit_reason");
_Static_assert(offsetof(struct kvm_run, io) == 32, "kvm_run.io");

#endif

// Numbers shared by assembly and C: addresses, selectors, limits. Only #define lines, so that .S files can include it.
#pragma once

// The ring-0 image owns the 2 MiB page at RING0_BASE, the only page of the address space closed to ring 3.
// The stubs of traps.S start exactly there, which lets the IDT be a constant (see traps.S).
#define RING0_BASE 0x200000
#define RING3_BASE 0x400000

// What boot.S maps before the first ring-3 instruction; memory.c maps everything else when it is asked for.
#define BOOT_MAPPED_BYTES 0x1000000

// Where the real-mode start-up code of the other processors is copied; the SIPI vector is this address / 4096.
#define TRAMPOLINE_BASE 0x8000

#define MAX_CPUS 128
#define MAX_PAGE_DIRECTORIES 72 // of 1 GiB each
#define RING0_AREA_BYTES 4096
#define RING3_STACK_BYTES 8192

#define RING0_CODE_SELECTOR 0x08
#define RING0_DATA_SELECTOR 0x10
#define RING3_DATA_SELECTOR 0x1b
#define RING3_CODE_SELECTOR 0x23
#define FIRST_TSS_SELECTOR 0x30 // cpu N uses FIRST_TSS_SELECTOR + 16 * N

#define TSS_BYTES 104

#define VECTOR_BREAKPOINT 3 // the gate into ring 0, see ring0.h
#define FIRST_INTERRUPT_VECTOR 0x20
#define VECTOR_TIMER 0x20
#define VECTOR_SERIAL 0x21
#define VECTOR_IPI 0x22
#define VECTOR_FIRST_DEVICE 0x23 // up to VECTOR_SPURIOUS: whoever asks gets the next
#define VECTOR_SPURIOUS 0x2f
#define VECTOR_COUNT 0x30

#define BOOT_PROTOCOL_LINUX64 0
#define BOOT_PROTOCOL_PVH 1

#define COM1_PORT 0x3f8

// Paging, caches on, native FPU errors, write protection in ring 0.
#define CR0_LONG_MODE 0x80010033
// PAE and SSE (OSFXSR, OSXMMEXCPT): ring 3 may use SSE2, ring 0 never does.
#define CR4_LONG_MODE 0x620
#define MSR_EFER 0xc0000080
#define EFER_LONG_MODE_ENABLE 0x100
#define MSR_APIC_BASE 0x1b

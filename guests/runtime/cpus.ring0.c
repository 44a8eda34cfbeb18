// The descriptor and the task state segment of one more processor; without I/O bitmap, so that it has no port.
#include "cpus.h"

#include "layout.h"

#define DESCRIPTOR_TSS_AVAILABLE 0x89

struct __attribute__((packed)) tss {
    uint32_t reserved0;
    uint64_t ring0_stack;
    uint8_t reserved1[90];
    uint16_t io_bitmap_offset;
};
_Static_assert(sizeof(struct tss) == TSS_BYTES, "64-bit TSS");

struct __attribute__((packed)) system_descriptor {
    uint16_t limit, base0;
    uint8_t base16, type, limit16, base24;
    uint32_t base32, reserved;
};
_Static_assert(sizeof(struct system_descriptor) == 16, "system descriptor of long mode");

extern uint8_t ring0_areas[MAX_CPUS][RING0_AREA_BYTES], gdt[];

void ring0_prepare_processor(uint64_t cpu) {
    struct tss *tss = (struct tss *)ring0_areas[cpu];
    tss->ring0_stack = (uint64_t)ring0_areas[cpu] + RING0_AREA_BYTES;
    tss->io_bitmap_offset = TSS_BYTES;

    struct system_descriptor *descriptor = (struct system_descriptor *)(gdt + FIRST_TSS_SELECTOR + 16 * cpu);
    uint64_t base = (uint64_t)tss;
    descriptor->limit = TSS_BYTES - 1;
    descriptor->base0 = (uint16_t)base;
    descriptor->base16 = (uint8_t)(base >> 16);
    descriptor->base24 = (uint8_t)(base >> 24);
    descriptor->type = DESCRIPTOR_TSS_AVAILABLE;
}

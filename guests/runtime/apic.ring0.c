#include "apic.h"

#include "processor.h"

#define LOCAL_APIC_BASE 0xfee00000UL
#define APIC_BASE_ENABLE 0x800
#define APIC_BASE_X2 0x400
#define SOFTWARE_ENABLE 0x100
#define X2_MSR_BASE 0x800
#define DELIVERY_PENDING 0x1000

uint32_t ring0_apic_is_x2;

void ring0_apic_choose_mode(uint64_t is_x2) {
    ring0_apic_is_x2 = (uint32_t)is_x2;
}

uint64_t ring0_apic_read(uint64_t which) {
    if (ring0_apic_is_x2) return read_msr((uint32_t)(X2_MSR_BASE + which / 16));
    return *(volatile uint32_t *)(LOCAL_APIC_BASE + which);
}

void ring0_apic_write(uint64_t which, uint64_t value) {
    if (ring0_apic_is_x2) {
        write_msr((uint32_t)(X2_MSR_BASE + which / 16), value);
    } else {
        *(volatile uint32_t *)(LOCAL_APIC_BASE + which) = (uint32_t)value;
    }
}

void ring0_apic_start(void) {
    if (ring0_apic_is_x2) write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2);
    ring0_apic_write(APIC_TASK_PRIORITY, 0);
    ring0_apic_write(APIC_LINT0_ENTRY, APIC_ENTRY_MASKED);
    ring0_apic_write(APIC_SPURIOUS, SOFTWARE_ENABLE | VECTOR_SPURIOUS);
}

void ring0_apic_send(uint64_t apic_id, uint64_t command) {
    if (ring0_apic_is_x2) {
        write_msr(X2_MSR_BASE + APIC_COMMAND / 16, apic_id << 32 | command);
        return;
    }
    ring0_apic_write(APIC_COMMAND_HIGH, apic_id << 24);
    ring0_apic_write(APIC_COMMAND, command);
    while (ring0_apic_read(APIC_COMMAND) & DELIVERY_PENDING) spin_hint();
}

void ring0_apic_end_of_interrupt(void) {
    ring0_apic_write(APIC_END_OF_INTERRUPT, 0);
}

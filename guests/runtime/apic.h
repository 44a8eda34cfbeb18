// Local APIC (x2APIC where CPUID offers it, else memory-mapped) and I/O APIC.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

// Registers by their memory-mapped offset; the x2APIC MSR is 0x800 + offset / 16.
enum apic_register {
    APIC_ID = 0x20,
    APIC_TASK_PRIORITY = 0x80,
    APIC_END_OF_INTERRUPT = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_COMMAND_HIGH = 0x310,
    APIC_TIMER_ENTRY = 0x320,
    APIC_LINT0_ENTRY = 0x350,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_ENTRY_MASKED 0x10000
#define APIC_TIMER_PERIODIC 0x20000
#define APIC_TIMER_TSC_DEADLINE 0x40000
#define APIC_COMMAND_ASSERT 0x4000
#define APIC_COMMAND_INIT (0x500 | APIC_COMMAND_ASSERT)
#define APIC_COMMAND_STARTUP (0x600 | APIC_COMMAND_ASSERT)

// Finds out the mode and switches the APIC of the calling processor on. Once, before anything else here.
void apic_start(void);

bool apic_is_x2(void);
uint32_t apic_id(void);
uint32_t apic_read(enum apic_register which);
void apic_write(enum apic_register which, uint32_t value);

// Fixed interrupt, INIT or start-up, to one processor.
void apic_send(uint32_t apic_id, uint32_t command);

// Edge-triggered, active high, to the calling processor. Pins from 24 on are those of the second I/O APIC, at
// 0xfec10000, which QEMU's microvm has and Roost never needs.
void io_apic_route(unsigned pin, unsigned vector);

// apic.ring0.c
extern uint32_t ring0_apic_is_x2;
void ring0_apic_choose_mode(uint64_t is_x2);
void ring0_apic_start(void);
uint64_t ring0_apic_read(uint64_t which);
void ring0_apic_write(uint64_t which, uint64_t value);
void ring0_apic_send(uint64_t apic_id, uint64_t command);
void ring0_apic_end_of_interrupt(void);

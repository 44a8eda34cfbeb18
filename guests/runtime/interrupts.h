// Interrupts are counted by ring 0; ring 3 reads the counts.
#pragma once
#include <stdint.h>

#include "layout.h"

// Indexed by vector - FIRST_INTERRUPT_VECTOR. A cache line (two) a processor.
struct interrupt_counts {
    volatile uint64_t of[VECTOR_COUNT - FIRST_INTERRUPT_VECTOR];
} __attribute__((aligned(64)));

extern struct interrupt_counts interrupt_counts[MAX_CPUS];

static inline volatile uint64_t *interrupt_count(unsigned cpu, unsigned vector) {
    return &interrupt_counts[cpu].of[vector - FIRST_INTERRUPT_VECTOR];
}

// Halts this processor until the counter has reached the number. The counter must be moved by its interrupts.
void interrupts_halt_until(volatile uint64_t *counter, uint64_t number);

// traps.ring0.c
void ring0_halt_until(volatile uint64_t *counter, uint64_t number);
void ring0_handle_interrupt(uint64_t vector);

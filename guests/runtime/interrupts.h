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

// A device that keeps its interrupt up until the driver has read why, and written that back. Ring 0 does so, where
// an exit costs a third; the reasons add up in `causes` until ring 3 clears it.
struct interrupt_source {
    volatile uint32_t *status, *acknowledge; // null: nothing to do
    volatile uint32_t causes;
};

extern struct interrupt_source interrupt_sources[VECTOR_SPURIOUS - VECTOR_FIRST_DEVICE];

static inline struct interrupt_source *interrupt_source(unsigned vector) {
    return &interrupt_sources[vector - VECTOR_FIRST_DEVICE];
}

// A vector of cpu 0 that nobody has yet. Ends the guest with EXIT_UNAVAILABLE if there is none left.
unsigned interrupts_take_vector(volatile uint32_t *status, volatile uint32_t *acknowledge);

// traps.ring0.c
void ring0_halt_until(volatile uint64_t *counter, uint64_t number);
void ring0_handle_interrupt(uint64_t vector);

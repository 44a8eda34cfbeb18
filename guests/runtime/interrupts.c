#include "interrupts.h"

#include "ring0.h"

struct interrupt_counts interrupt_counts[MAX_CPUS];

void interrupts_halt_until(volatile uint64_t *counter, uint64_t number) {
    in_ring0(ring0_halt_until, counter, number, 0);
}

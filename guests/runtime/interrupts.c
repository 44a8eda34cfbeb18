#include "interrupts.h"

#include "console.h"
#include "machine.h"
#include "ring0.h"

struct interrupt_counts interrupt_counts[MAX_CPUS];
struct interrupt_source interrupt_sources[VECTOR_SPURIOUS - VECTOR_FIRST_DEVICE];

void interrupts_halt_until(volatile uint64_t *counter, uint64_t number) {
    in_ring0(ring0_halt_until, counter, number, 0);
}

unsigned interrupts_take_vector(volatile uint32_t *status, volatile uint32_t *acknowledge) {
    static unsigned next = VECTOR_FIRST_DEVICE;
    if (next == VECTOR_SPURIOUS) {
        print("interrupts: no vector is left\n");
        machine_exit(EXIT_UNAVAILABLE);
    }
    interrupt_source(next)->status = status;
    interrupt_source(next)->acknowledge = acknowledge;
    return next++;
}

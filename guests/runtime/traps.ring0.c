// The C half of traps.S.
#include "apic.h"
#include "exceptions.h"
#include "interrupts.h"
#include "machine.h"
#include "processor.h"
#include "serial.h"

#define EXIT_NESTED_EXCEPTION 127

static unsigned this_cpu(void) {
    uint64_t selector;
    __asm__("str %0" : "=r"(selector));
    return (unsigned)(selector - FIRST_TSS_SELECTOR) / 16;
}

void ring0_handle_exception(const struct exception *exception) {
    static int is_reporting;
    if (is_reporting) ring0_machine_exit(EXIT_NESTED_EXCEPTION);
    is_reporting = 1;
    exception_record = *exception;
}

static void acknowledge(struct interrupt_source *source) {
    if (!source->status) return;
    uint32_t causes = *source->status;
    *source->acknowledge = causes;
    source->causes |= causes;
}

void ring0_handle_interrupt(uint64_t vector) {
    volatile uint64_t *count = interrupt_count(this_cpu(), (unsigned)vector);
    *count = *count + 1;
    if (vector == VECTOR_SPURIOUS) return; // needs, and must have, no end-of-interrupt
    if (vector == VECTOR_SERIAL) ring0_serial_interrupt();
    if (vector >= VECTOR_FIRST_DEVICE) acknowledge(interrupt_source((unsigned)vector));
    ring0_apic_end_of_interrupt();
}

void ring0_halt_until(volatile uint64_t *counter, uint64_t number) {
    // Interrupts are off but for the halt itself, so the one that is waited for cannot pass between look and halt.
    while (*counter < number) halt_until_interrupt();
}

#include "machine.h"

#include "processor.h"

#define DEBUG_EXIT_PORT 0xf4
#define KEYBOARD_CONTROLLER_COMMAND_PORT 0x64
#define KEYBOARD_CONTROLLER_PULSE_RESET 0xfe

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

void ring0_halt_for_ever(void) {
    for (;;) __asm__ volatile("cli\n\thlt");
}

void ring0_triple_fault(void) {
    // With no IDT neither the invalid opcode nor the faults that follow from it can be delivered.
    static const struct table_pointer empty;
    __asm__ volatile("lidt %0\n\tud2" ::"m"(empty));
    __builtin_unreachable();
}

void ring0_reset_by_keyboard_controller(void) {
    write_port8(KEYBOARD_CONTROLLER_COMMAND_PORT, KEYBOARD_CONTROLLER_PULSE_RESET);
    // A VMM may act on the reset a moment after the instruction that asked for it.
    for (unsigned i = 0; i < 100000; i++) spin_hint();
    ring0_triple_fault();
}

void ring0_machine_exit(uint64_t code) {
    write_port8(DEBUG_EXIT_PORT, (uint8_t)code);
    for (unsigned i = 0; i < 1000; i++) spin_hint();
    ring0_reset_by_keyboard_controller();
}

// What the VMM said at entry, and the two ways to leave.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Exit codes shared by all programs (README.md).
#define EXIT_SUCCESS_CODE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 64
#define EXIT_UNAVAILABLE 70
#define EXIT_EXCEPTION 96

#define MAX_MEMORY_REGIONS 64
#define MAX_COMMAND_LINE 2048

struct memory_region {
    uint64_t start, size;
};

struct machine {
    const char *protocol; // "PVH" or "64-bit"
    char command_line[MAX_COMMAND_LINE];
    uint64_t rsdp; // 0 if the VMM gave none
    size_t region_count;
    struct memory_region regions[MAX_MEMORY_REGIONS]; // usable RAM only
};

extern struct machine machine;

// The program itself, one in each file below programs/. The result is the exit code.
int program(void);

uint64_t machine_memory_bytes(void);

// To the VMM by the debug-exit port; failing that by a reset, failing that by a triple fault.
_Noreturn void machine_exit(int code);

// Stop for good, in ring 0, with interrupts off.
_Noreturn void machine_halt(void);

// machine.ring0.c
_Noreturn void ring0_machine_exit(uint64_t code);
_Noreturn void ring0_reset_by_keyboard_controller(void);
_Noreturn void ring0_triple_fault(void);
_Noreturn void ring0_halt_for_ever(void);

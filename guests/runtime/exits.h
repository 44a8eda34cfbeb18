// Loops that leave the guest, and the odd instruction: what some programs do in ring 0.
#pragma once
#include <stdint.h>

// exits.ring0.c. Each makes count accesses.
void ring0_write_port_loop(uint64_t port, uint64_t count);
void ring0_read_port_loop(uint64_t port, uint64_t count);
void ring0_write_memory_loop(volatile uint32_t *address, uint64_t count);
void ring0_read_memory_loop(volatile uint32_t *address, uint64_t count);

// popcnt, which the emulator of KVM lacks: an emulation failure where ring 0 is emulated, nothing elsewhere.
void ring0_execute_unsupported(void);

// Time by the TSC, which ring 3 reads at no cost on every host.
#pragma once
#include <stdint.h>

// tsc_khz= of the command line; 0 if absent.
extern uint64_t time_tsc_khz_argument;

// Found once: CPUID leaf 0x40000010, then 0x15, then kvmclock, then tsc_khz=, then a guess, which is said.
uint64_t time_tsc_khz(void);

uint64_t time_cycles_to_nanoseconds(uint64_t cycles);
uint64_t time_microseconds_to_cycles(uint64_t microseconds);

void time_wait_microseconds(uint64_t microseconds);

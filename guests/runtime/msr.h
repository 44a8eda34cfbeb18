// Model-specific registers, for calls through in_ring0.
#pragma once
#include <stdint.h>

uint64_t ring0_read_msr(uint64_t msr);
void ring0_write_msr(uint64_t msr, uint64_t value);

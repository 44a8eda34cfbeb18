#include "msr.h"

#include "processor.h"

uint64_t ring0_read_msr(uint64_t msr) {
    return read_msr((uint32_t)msr);
}

void ring0_write_msr(uint64_t msr, uint64_t value) {
    write_msr((uint32_t)msr, value);
}

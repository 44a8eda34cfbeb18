#include "exits.h"

#include "processor.h"

void ring0_write_port_loop(uint64_t port, uint64_t count) {
    while (count--) write_port8((uint16_t)port, 0);
}

void ring0_read_port_loop(uint64_t port, uint64_t count) {
    while (count--) read_port8((uint16_t)port);
}

void ring0_write_memory_loop(volatile uint32_t *address, uint64_t count) {
    while (count--) *address = 0;
}

void ring0_read_memory_loop(volatile uint32_t *address, uint64_t count) {
    while (count--) (void)*address;
}

void ring0_execute_unsupported(void) {
    uint64_t bits = 0xff;
    __asm__ volatile("popcntq %0, %0" : "+r"(bits));
}

#include "apic.h"

#include "memory.h"
#include "processor.h"
#include "ring0.h"

#define CPUID_X2APIC (1u << 21) // leaf 1, ECX

#define LOCAL_APIC_ADDRESS 0xfee00000
#define IO_APIC_ADDRESS 0xfec00000
#define SECOND_IO_APIC_ADDRESS 0xfec10000
#define IO_APIC_PINS 24
#define IO_APIC_SELECT 0 // offsets in 32-bit words
#define IO_APIC_WINDOW 4
#define IO_APIC_REDIRECTION 0x10

void apic_start(void) {
    bool is_x2 = cpuid(1).ecx & CPUID_X2APIC;
    if (!is_x2) memory_map_physical(LOCAL_APIC_ADDRESS, PAGE_BYTES);
    in_ring0(ring0_apic_choose_mode, is_x2, 0, 0);
    in_ring0(ring0_apic_start, 0, 0, 0);
}

bool apic_is_x2(void) {
    return cpuid(1).ecx & CPUID_X2APIC;
}

uint32_t apic_id(void) {
    uint32_t value = apic_read(APIC_ID);
    return apic_is_x2() ? value : value >> 24;
}

uint32_t apic_read(enum apic_register which) {
    return (uint32_t)in_ring0(ring0_apic_read, which, 0, 0);
}

void apic_write(enum apic_register which, uint32_t value) {
    in_ring0(ring0_apic_write, which, value, 0);
}

void apic_send(uint32_t apic_id, uint32_t command) {
    in_ring0(ring0_apic_send, apic_id, command, 0);
}

void io_apic_route(unsigned pin, unsigned vector) {
    bool is_second = pin >= IO_APIC_PINS;
    volatile uint32_t *io_apic = memory_map_physical(is_second ? SECOND_IO_APIC_ADDRESS : IO_APIC_ADDRESS, PAGE_BYTES);
    if (is_second) pin -= IO_APIC_PINS;
    io_apic[IO_APIC_SELECT] = IO_APIC_REDIRECTION + 2 * pin + 1;
    io_apic[IO_APIC_WINDOW] = apic_id() << 24;
    io_apic[IO_APIC_SELECT] = IO_APIC_REDIRECTION + 2 * pin;
    io_apic[IO_APIC_WINDOW] = vector;
}

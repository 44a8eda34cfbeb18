// The cost of an exit: a loop of port or memory-mapped accesses, from ring 0 or ring 3, that nothing in the guest answers.
#include <stdbool.h>

#include "arguments.h"
#include "console.h"
#include "exits.h"
#include "machine.h"
#include "memory.h"
#include "processor.h"
#include "ring0.h"
#include "text.h"
#include "time.h"

static uint64_t count = 100000, port = 0x1f0, address = 0xd0000000;
static const char *kind = "port", *direction = "write";

static const char *const kinds[] = {"port", "mmio", "port-ring3", "mmio-ring3", NULL};
static const char *const directions[] = {"write", "read", NULL};

static void loop_in_ring0(bool is_port, bool is_write) {
    if (is_port) {
        in_ring0(is_write ? ring0_write_port_loop : ring0_read_port_loop, port, count, 0);
    } else {
        in_ring0(is_write ? ring0_write_memory_loop : ring0_read_memory_loop, address, count, 0);
    }
}

static void loop_in_ring3(bool is_port, bool is_write) {
    volatile uint32_t *memory = (volatile uint32_t *)address;
    for (uint64_t i = 0; i < count; i++) {
        if (is_port && is_write) {
            write_port8((uint16_t)port, 0);
        } else if (is_port) {
            read_port8((uint16_t)port);
        } else if (is_write) {
            *memory = 0;
        } else {
            (void)*memory;
        }
    }
}

int program(void) {
    const struct parameter parameters[] = {
        TEXT("kind", &kind, kinds),
        TEXT("dir", &direction, directions),
        NUMBER("count", &count),
        NUMBER_UP_TO("port", &port, 0xffff),
        NUMBER("address", &address),
    };
    ARGUMENTS_READ(parameters);
    bool is_port = !memcmp(kind, "port", 4), is_write = text_equal(direction, "write");
    bool is_ring3 = text_equal(kind, "port-ring3") || text_equal(kind, "mmio-ring3");
    uint64_t khz = time_tsc_khz(); // may print, so now
    if (!is_port) memory_map_physical(address, sizeof(uint32_t));

    // An observer outside times the loop by these two lines.
    print("S\n");
    uint64_t start = read_tsc();
    if (is_ring3) {
        loop_in_ring3(is_port, is_write);
    } else {
        loop_in_ring0(is_port, is_write);
    }
    uint64_t cycles = read_tsc() - start;
    print("E\n");

    uint64_t each = count ? cycles / count : 0;
    print("ports kind=%s dir=%s count=%lu cycles_per_exit=%lu ns_per_exit=%lu\n", kind, direction, count, each,
          each * 1000000 / khz);
    return EXIT_SUCCESS_CODE;
}

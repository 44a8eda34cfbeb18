#include "memory.h"

#include <stdbool.h>

#include "console.h"
#include "layout.h"
#include "machine.h"
#include "ring0.h"

#define GIB_SHIFT 30
#define LARGE_PAGE_SHIFT 21
#define ENTRIES_PER_TABLE 512
#define LARGE_PAGE_FLAGS 0x87 // present, writable, ring 3, 2 MiB
#define LARGE_PAGE_FLAGS_RING0 0x83

extern char image_end[];

// A directory is filled by ring 3, where that is quick, and only then linked by ring 0. One that is already in use
// is never written: the host may shadow it.
extern uint64_t page_directories[MAX_PAGE_DIRECTORIES][ENTRIES_PER_TABLE]; // storage.S
static unsigned page_directories_used;
static bool is_mapped[ENTRIES_PER_TABLE]; // by GiB

static void map_gib(uint64_t gib) {
    if (gib >= ENTRIES_PER_TABLE || page_directories_used == MAX_PAGE_DIRECTORIES) {
        print("memory: address 0x%lx is more than this guest can map\n", gib << GIB_SHIFT);
        machine_exit(EXIT_UNAVAILABLE);
    }
    uint64_t *directory = page_directories[page_directories_used++];
    for (uint64_t i = 0; i < ENTRIES_PER_TABLE; i++) {
        uint64_t address = gib << GIB_SHIFT | i << LARGE_PAGE_SHIFT;
        directory[i] = address | (address == RING0_BASE ? LARGE_PAGE_FLAGS_RING0 : LARGE_PAGE_FLAGS);
    }
    in_ring0(ring0_link_page_directory, gib, directory, 0);
    is_mapped[gib] = true;
}

void *memory_map_physical(uint64_t address, size_t size) {
    uint64_t end = address + size;
    if (end <= BOOT_MAPPED_BYTES) return (void *)address;
    for (uint64_t gib = address >> GIB_SHIFT; gib <= (end - 1) >> GIB_SHIFT; gib++) {
        if (gib >= ENTRIES_PER_TABLE || !is_mapped[gib]) map_gib(gib);
    }
    return (void *)address;
}

uint64_t memory_image_end(void) {
    return ((uint64_t)image_end + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

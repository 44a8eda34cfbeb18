#include "pool.h"

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "text.h"

#define CACHE_LINE_BYTES 64

static uint64_t next, end;

// The largest piece of RAM above the image.
static void find(void) {
    for (size_t i = 0; i < machine.region_count; i++) {
        const struct memory_region *region = &machine.regions[i];
        uint64_t first = region->start > memory_image_end() ? region->start : memory_image_end();
        uint64_t last = (region->start + region->size) & ~(uint64_t)(PAGE_BYTES - 1);
        if (last <= first || last - first <= end - next) continue;
        next = first;
        end = last;
    }
}

static uint64_t aligned(uint64_t address, uint64_t alignment) {
    return (address + alignment - 1) & ~(alignment - 1);
}

void *pool_take(size_t bytes) {
    if (!end) find();
    uint64_t start = aligned(next, bytes >= PAGE_BYTES ? PAGE_BYTES : CACHE_LINE_BYTES);
    if (start > end || bytes > end - start) {
        print("pool: %lu bytes wanted, %lu left\n", bytes, end - next);
        machine_exit(EXIT_UNAVAILABLE);
    }
    next = start + bytes;
    return memset(memory_map_physical(start, bytes), 0, bytes);
}

uint64_t pool_take_rest(uint64_t *start) {
    if (!end) find();
    *start = aligned(next, PAGE_BYTES);
    uint64_t bytes = *start < end ? end - *start : 0;
    if (bytes) memory_map_physical(*start, bytes);
    next = end;
    return bytes;
}

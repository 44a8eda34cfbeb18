// Writes and verifies RAM above the guest's image, page by page, each word depending on its address and the pass.
#include <stdbool.h>

#include "arguments.h"
#include "console.h"
#include "machine.h"
#include "memory.h"
#include "processor.h"
#include "time.h"

#define WORDS_PER_PAGE (PAGE_BYTES / sizeof(uint64_t))

static uint64_t mib = 64, passes = 2, lowest;

static uint64_t pattern(uint64_t address, uint64_t pass) {
    return address ^ (pass + 1) * 0x9e3779b97f4a7c15; // the golden ratio: every byte differs between passes
}

static void write_page(uint64_t page, uint64_t pass) {
    uint64_t *words = (uint64_t *)page;
    for (uint64_t i = 0; i < WORDS_PER_PAGE; i++) words[i] = pattern(page + i * sizeof *words, pass);
}

static bool verify_page(uint64_t page, uint64_t pass) {
    const uint64_t *words = (const uint64_t *)page;
    uint64_t difference = 0;
    for (uint64_t i = 0; i < WORDS_PER_PAGE; i++) difference |= words[i] ^ pattern(page + i * sizeof *words, pass);
    if (!difference) return true;
    for (uint64_t i = 0; i < WORDS_PER_PAGE; i++) {
        uint64_t address = page + i * sizeof *words, expected = pattern(address, pass), found = words[i];
        if (found == expected) continue;
        print("memtouch: address 0x%lx holds 0x%lx, expected 0x%lx\n", address, found, expected);
        break;
    }
    return false;
}

// The part of a region that may be touched, as whole pages. The low megabyte belongs to firmware and boot data.
static uint64_t usable_part(const struct memory_region *region, uint64_t *start) {
    uint64_t first = region->start > lowest ? region->start : lowest;
    first = (first + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    uint64_t end = (region->start + region->size) & ~(uint64_t)(PAGE_BYTES - 1);
    *start = first;
    return end > first ? end - first : 0;
}

// Runs over the first size bytes of usable memory. False when a page did not verify.
static bool walk(uint64_t size, uint64_t pass, bool verify) {
    for (size_t i = 0; i < machine.region_count && size; i++) {
        uint64_t start, part = usable_part(&machine.regions[i], &start);
        if (part > size) part = size;
        size -= part;
        for (uint64_t page = start; page < start + part; page += PAGE_BYTES) {
            if (!verify) {
                write_page(page, pass);
            } else if (!verify_page(page, pass)) {
                return false;
            }
        }
    }
    return true;
}

static uint64_t map_usable(uint64_t size) {
    uint64_t found = 0;
    for (size_t i = 0; i < machine.region_count && found < size; i++) {
        uint64_t start, part = usable_part(&machine.regions[i], &start);
        if (part > size - found) part = size - found;
        if (part) memory_map_physical(start, part);
        found += part;
    }
    return found;
}

static uint64_t mib_per_second(uint64_t size, uint64_t cycles) {
    uint64_t microseconds = time_cycles_to_nanoseconds(cycles) / 1000;
    return microseconds ? (size >> 10) * 1000 / microseconds * 1000 >> 10 : 0;
}

int program(void) {
    const struct parameter parameters[] = {
        NUMBER_UP_TO("mib", &mib, 1 << 20),
        NUMBER("passes", &passes),
        NUMBER("start", &lowest),
    };
    ARGUMENTS_READ(parameters);
    if (lowest < memory_image_end()) lowest = memory_image_end();

    uint64_t size = mib << 20, available = map_usable(size);
    if (available < size) {
        print("memtouch: %lu MiB wanted, %lu MiB above 0x%lx present\n", mib, available >> 20, lowest);
        return EXIT_USAGE;
    }
    for (uint64_t pass = 0; pass < passes; pass++) {
        uint64_t start = read_tsc();
        walk(size, pass, false);
        uint64_t touched = read_tsc();
        bool is_right = walk(size, pass, true);
        uint64_t verified = read_tsc();
        print("memtouch pass=%lu mib=%lu touch_mib_per_s=%lu verify_mib_per_s=%lu verify=%s\n", pass, mib,
              mib_per_second(size, touched - start), mib_per_second(size, verified - touched),
              is_right ? "ok" : "failed");
        if (!is_right) return EXIT_FAILED;
    }
    return EXIT_SUCCESS_CODE;
}

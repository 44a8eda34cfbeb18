// Takes memory and keeps it.
//
//     hog MIB [STEP]    touches so many MiB, prints "hog: has N MiB" after every STEP of them (default: all),
//                       then waits for the end of its standard input; reads all of it once more and ends with 0
//
// Each page has its own bytes, so that neither zero pages nor merged ones make room.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pattern.h"

enum { PAGE = 4096, PAGES_PER_MIB = 256 };

int main(int count, char **words) {
    unsigned long mib = count > 1 ? strtoul(words[1], NULL, 10) : 0, step = count > 2 ? strtoul(words[2], NULL, 10) : mib;
    if (mib == 0 || step == 0) {
        fprintf(stderr, "usage: hog MIB [STEP]\n");
        return 64;
    }
    size_t pages = mib * PAGES_PER_MIB;
    uint8_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("hog: mmap");
        return 1;
    }
    for (size_t page = 0; page < pages; page++) {
        pattern_fill(page, 0, memory + page * PAGE, 64);
        if ((page + 1) % (step * PAGES_PER_MIB) == 0 || page + 1 == pages) {
            printf("hog: has %zu MiB\n", (page + 1) / PAGES_PER_MIB);
            fflush(stdout);
        }
    }
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    for (size_t page = 0; page < pages; page++) {
        if (pattern_match(page, 0, memory + page * PAGE, 64) != 64) {
            printf("hog: page %zu has changed\n", page);
            return 1;
        }
    }
    printf("hog: found all as it was\n");
    return 0;
}

// Numbered records on a disk: which of those that were reported as safe are still there?
//
//     records write FILE [COUNT]    writes record after record, each followed by fdatasync, then prints its number
//     records check FILE LAST       status 0 if records 0 to LAST are all there
//
// FILE may be a block device; a file grows. Record N is 4096 bytes at a place of its own: blocks are visited in
// an order that jumps, so that a lost write leaves a hole and not just a shorter end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pattern.h"

enum {
    RECORD_SIZE = 4096,
    RECORDS = 4096, // 16 MiB; a power of two.
    STRIDE = 1021,  // Odd, so every place is visited once.
};

static off_t place_of(unsigned record) {
    return (off_t)(record * STRIDE % RECORDS) * RECORD_SIZE;
}

static int fail(const char *what, const char *path) {
    fprintf(stderr, "records: %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

static int write_records(const char *path, unsigned count) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return fail("cannot open", path);
    static uint8_t bytes[RECORD_SIZE];
    for (unsigned record = 0; record < count; record++) {
        pattern_fill(record, 0, bytes, sizeof bytes);
        if (pwrite(file, bytes, sizeof bytes, place_of(record)) != sizeof bytes) return fail("cannot write to", path);
        if (fdatasync(file) != 0) return fail("cannot flush", path);
        printf("record %u\n", record);
        fflush(stdout);
    }
    return 0;
}

static int check_records(const char *path, unsigned last) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail("cannot open", path);
    static uint8_t bytes[RECORD_SIZE];
    unsigned lost = 0;
    for (unsigned record = 0; record <= last; record++) {
        ssize_t got = pread(file, bytes, sizeof bytes, place_of(record));
        if (got < 0) return fail("cannot read", path);
        if (got == sizeof bytes && pattern_match(record, 0, bytes, sizeof bytes) == sizeof bytes) continue;
        printf("records: %u is not there\n", record);
        lost++;
    }
    printf("records: %u checked, %u lost\n", last + 1, lost);
    return lost > 0;
}

int main(int count, char **words) {
    if (count >= 3) {
        unsigned long number = count > 3 ? strtoul(words[3], NULL, 10) : RECORDS;
        if (strcmp(words[1], "write") == 0 && number <= RECORDS) return write_records(words[2], (unsigned)number);
        if (strcmp(words[1], "check") == 0 && count > 3 && number < RECORDS)
            return check_records(words[2], (unsigned)number);
    }
    fprintf(stderr, "usage: records write FILE [COUNT] | records check FILE LAST (at most %d records)\n", RECORDS);
    return 64;
}

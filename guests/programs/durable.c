// Writes blocks of a disk one after another, flushes after each few, and says only then how far it got: whatever happens
// to the machine, so many blocks must be on the disk.
#include "arguments.h"
#include "console.h"
#include "disk.h"
#include "machine.h"

#define BLOCK_SECTORS 8

static uint64_t batch = 4, stamp = 1;
static struct disk disk;

int program(void) {
    const struct parameter parameters[] = {NUMBER_UP_TO("batch", &batch, 1024), NUMBER("stamp", &stamp)};
    ARGUMENTS_READ(parameters);
    if (!batch) batch = 1;
    disk_open(&disk, (struct disk_settings){.slots = 1, .buffer_bytes = BLOCK_SECTORS * SECTOR_BYTES, .is_indirect = true});
    uint64_t blocks = disk.sectors / BLOCK_SECTORS;
    for (uint64_t block = 0; block < blocks; block++) {
        for (unsigned i = 0; i < BLOCK_SECTORS; i++) {
            disk_fill_sector(disk.slots[0].buffer + i * SECTOR_BYTES, block * BLOCK_SECTORS + i, stamp);
        }
        if (!disk_do(&disk, DISK_WRITE, block * BLOCK_SECTORS, BLOCK_SECTORS * SECTOR_BYTES)) return EXIT_FAILED;
        if ((block + 1) % batch) continue;
        if (!disk_do(&disk, DISK_FLUSH, 0, 0)) return EXIT_FAILED;
        print("durable %lu\n", block + 1);
    }
    return EXIT_SUCCESS_CODE;
}

// A virtio block device (virtio 1.2, 5.2) and what its sectors hold.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define SECTOR_BYTES 512

enum disk_operation {
    DISK_READ = 0,
    DISK_WRITE = 1,
    DISK_FLUSH = 4,
    DISK_IDENTIFY = 8,
};

#define DISK_OK 0
#define DISK_READ_ONLY VIRTIO_FEATURE(5)
#define DISK_CAN_FLUSH VIRTIO_FEATURE(9)

// A place for one request under way, with its own buffer.
struct disk_slot {
    struct disk_header {
        uint32_t operation, reserved;
        uint64_t sector;
    } *header;
    volatile uint8_t *status;
    uint8_t *buffer;
    uint64_t block; // the program's own
    uint64_t started;
};

struct disk {
    struct virtio_device *device;
    struct virtio_queue queue;
    uint64_t sectors;
    struct disk_slot *slots;
    unsigned slot_count;
    uint32_t buffer_bytes, part_bytes;
};

struct disk_settings {
    unsigned number; // among the disks
    unsigned slots;
    uint32_t buffer_bytes, part_bytes; // of a slot; of each of the pieces its buffer is cut into
    bool is_indirect, is_polled, has_event_index;
};

// Ready to use. Ends the guest if there is no such disk, or too small a queue.
void disk_open(struct disk *disk, struct disk_settings settings);

// Again, after the device was reset or harmed.
void disk_open_again(struct disk *disk);

// Adds the slot's request to the queue; needs queue_notify. Bytes: of the buffer, 0 for a flush.
void disk_start(struct disk *disk, unsigned slot, enum disk_operation operation, uint64_t sector, uint32_t bytes);

// One request from beginning to end, in slot 0. False if the device says it failed.
bool disk_do(struct disk *disk, enum disk_operation operation, uint64_t sector, uint32_t bytes);

// What fills a sector: its number, a stamp, and words that follow from both.
void disk_fill_sector(uint8_t *bytes, uint64_t sector, uint64_t stamp);

// Whether that is what it holds. The difference is printed.
bool disk_check_sector(const uint8_t *bytes, uint64_t sector, uint64_t stamp);

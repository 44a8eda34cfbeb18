#include "disk.h"

#include "console.h"
#include "machine.h"
#include "pool.h"
#include "text.h"

#define WORDS_PER_SECTOR (SECTOR_BYTES / sizeof(uint64_t))
#define MAX_PARTS 258

static uint64_t wanted_features;

static unsigned parts_per_request(const struct disk *disk) {
    return 2 + (disk->buffer_bytes + disk->part_bytes - 1) / disk->part_bytes;
}

void disk_open(struct disk *disk, struct disk_settings settings) {
    *disk = (struct disk){.device = virtio_find(VIRTIO_BLOCK, settings.number), .slot_count = settings.slots};
    disk->buffer_bytes = settings.buffer_bytes;
    disk->part_bytes = settings.part_bytes ? settings.part_bytes : settings.buffer_bytes;
    wanted_features = DISK_READ_ONLY | DISK_CAN_FLUSH | (settings.is_indirect ? VIRTIO_INDIRECT : 0) |
                      (settings.has_event_index ? VIRTIO_EVENT_INDEX : 0);
    unsigned parts = parts_per_request(disk);
    if (parts > MAX_PARTS) {
        print("disk: a request of %u parts is too much\n", parts);
        machine_exit(EXIT_USAGE);
    }
    virtio_open(disk->device, wanted_features);
    struct virtio_queue_settings queue_settings = {.table_size = (uint16_t)parts, .is_polled = settings.is_polled};
    bool is_there = queue_make(&disk->queue, disk->device, 0, queue_settings);
    unsigned needed = settings.slots * (disk->queue.table_size ? 1 : parts);
    if (!is_there || disk->queue.size < needed) {
        print("disk: %u descriptors needed, the queue has %u\n", needed, disk->queue.size);
        machine_exit(EXIT_USAGE);
    }
    disk->slots = pool_take(sizeof *disk->slots * settings.slots);
    for (unsigned i = 0; i < settings.slots; i++) {
        disk->slots[i].header = pool_take(sizeof *disk->slots[i].header);
        disk->slots[i].status = pool_take(1);
        disk->slots[i].buffer = pool_take(settings.buffer_bytes);
    }
    virtio_start(disk->device);
    disk->sectors = virtio_configuration64(disk->device, 0);
}

void disk_open_again(struct disk *disk) {
    virtio_open(disk->device, wanted_features);
    queue_make_again(&disk->queue);
    virtio_start(disk->device);
}

void disk_start(struct disk *disk, unsigned number, enum disk_operation operation, uint64_t sector, uint32_t bytes) {
    struct disk_slot *slot = &disk->slots[number];
    *slot->header = (struct disk_header){.operation = operation, .sector = sector};
    *slot->status = UINT8_MAX;
    struct virtio_part parts[MAX_PARTS];
    unsigned count = 0;
    parts[count++] = (struct virtio_part){slot->header, sizeof *slot->header};
    for (uint32_t done = 0; done < bytes; done += parts[count++].length) {
        uint32_t length = bytes - done < disk->part_bytes ? bytes - done : disk->part_bytes;
        parts[count] = (struct virtio_part){slot->buffer + done, length};
    }
    parts[count++] = (struct virtio_part){(const void *)slot->status, 1};
    unsigned readable = operation == DISK_WRITE ? count - 1 : 1;
    if (queue_add(&disk->queue, parts, readable, count - readable, (uint16_t)number)) return;
    print("disk: no room in the queue\n");
    machine_exit(EXIT_FAILED);
}

bool disk_do(struct disk *disk, enum disk_operation operation, uint64_t sector, uint32_t bytes) {
    disk_start(disk, 0, operation, sector, bytes);
    queue_notify(&disk->queue);
    uint16_t token;
    uint32_t written;
    queue_wait(&disk->queue, 0);
    return queue_take(&disk->queue, &token, &written) && *disk->slots[0].status == DISK_OK;
}

static uint64_t word_of(uint64_t sector, uint64_t stamp, unsigned i) {
    return (sector * WORDS_PER_SECTOR + i) * 0x9e3779b97f4a7c15 ^ stamp << 17;
}

void disk_fill_sector(uint8_t *bytes, uint64_t sector, uint64_t stamp) {
    uint64_t *words = (uint64_t *)bytes;
    words[0] = sector;
    words[1] = stamp;
    for (unsigned i = 2; i < WORDS_PER_SECTOR; i++) words[i] = word_of(sector, stamp, i);
}

bool disk_check_sector(const uint8_t *bytes, uint64_t sector, uint64_t stamp) {
    const uint64_t *words = (const uint64_t *)bytes;
    if (words[0] != sector || words[1] != stamp) {
        print("disk: sector %lu of stamp %lu expected, found sector %lu of stamp %lu\n", sector, stamp, words[0],
              words[1]);
        return false;
    }
    for (unsigned i = 2; i < WORDS_PER_SECTOR; i++) {
        uint64_t expected = word_of(sector, stamp, i);
        if (words[i] == expected) continue;
        print("disk: sector %lu, word %u is 0x%lx, expected 0x%lx\n", sector, i, words[i], expected);
        return false;
    }
    return true;
}

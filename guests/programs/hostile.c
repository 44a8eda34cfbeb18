// A driver that does its worst to one device, many times, and then needs it: the device must survive, harm no memory
// but what it was given, and work again once it is reset and set up properly.
#include "hostile.h"

#include "arguments.h"
#include "balloon.h"
#include "console.h"
#include "disk.h"
#include "machine.h"
#include "memory.h"
#include "network.h"
#include "pool.h"
#include "text.h"

#define CHECKED_BLOCKS 64
#define CHECKED_BYTES 4096

static uint64_t seed = 1, cases = 1000, number, deeds;

static struct disk disk;
static struct network network;
static struct balloon balloon;
static struct virtio_queue queue;
static uint8_t *bytes;

// What the checks need is taken from the pool before the rest of it goes to the bad driver.
static void prepare(struct virtio_device *device) {
    // Numbers among the devices of a kind are looked for by address.
    unsigned among = 0;
    for (unsigned i = 0; virtio_at(i) != device; i++) among += virtio_at(i)->id == device->id;
    switch (device->id) {
    case VIRTIO_BLOCK:
        disk_open(&disk, (struct disk_settings){
                             .number = among, .slots = 1, .buffer_bytes = CHECKED_BYTES, .has_event_index = true});
        break;
    case VIRTIO_NETWORK:
        network_open(&network, (struct network_settings){
                                   .number = among,
                                   .features = NETWORK_MERGEABLE,
                                   .buffer_bytes = 2048,
                                   .frame_bytes = 1514,
                                   .frames = 8,
                                   .has_event_index = true});
        break;
    case VIRTIO_BALLOON:
        balloon_open(&balloon, among, 0, 1);
        balloon.pages[0] = (uint32_t)((uint64_t)pool_take(PAGE_BYTES) >> BALLOON_PAGE_SHIFT);
        break;
    case VIRTIO_ENTROPY:
        virtio_open(device, VIRTIO_EVENT_INDEX);
        queue_make(&queue, device, 0, (struct virtio_queue_settings){0});
        virtio_start(device);
        bytes = pool_take(PAGE_BYTES);
        break;
    default: print("hostile: no check for a device of kind %u, but that it comes up again\n", device->id);
    }
}

static bool disk_works(void) {
    disk_open_again(&disk);
    uint32_t sectors = CHECKED_BYTES / SECTOR_BYTES;
    for (uint64_t block = 0; block < CHECKED_BLOCKS; block++) {
        uint8_t *buffer = disk.slots[0].buffer;
        for (uint32_t i = 0; i < sectors; i++) disk_fill_sector(buffer + i * SECTOR_BYTES, block * sectors + i, seed);
        if (!disk_do(&disk, DISK_WRITE, block * sectors, CHECKED_BYTES)) return false;
    }
    for (uint64_t block = 0; block < CHECKED_BLOCKS; block++) {
        uint8_t *buffer = disk.slots[0].buffer;
        memset(buffer, 0, CHECKED_BYTES);
        if (!disk_do(&disk, DISK_READ, block * sectors, CHECKED_BYTES)) return false;
        for (uint32_t i = 0; i < sectors; i++) {
            if (!disk_check_sector(buffer + i * SECTOR_BYTES, block * sectors + i, seed)) return false;
        }
    }
    return true;
}

// That frames are taken; whether they arrive is for the other side to see.
static bool network_works(struct virtio_device *device) {
    virtio_open(device, NETWORK_MERGEABLE | NETWORK_MAC | VIRTIO_EVENT_INDEX);
    queue_make_again(&network.receive);
    queue_make_again(&network.transmit);
    virtio_start(device);
    for (unsigned i = 0; i < 32; i++) {
        uint16_t slot;
        struct network_buffer *buffer = network_take_buffer(&network, &slot);
        memset(buffer->frame, 0xff, 6);
        memcpy(buffer->frame + 6, network.mac, 6);
        memset(buffer->frame + 12, 0x88, 48); // an experimental type
        network_send(&network, slot, 60);
    }
    network_drain(&network);
    return true;
}

static bool entropy_works(struct virtio_device *device) {
    virtio_open(device, VIRTIO_EVENT_INDEX);
    queue_make_again(&queue);
    virtio_start(device);
    memset(bytes, 0, PAGE_BYTES);
    struct virtio_part part = {bytes, PAGE_BYTES};
    queue_add(&queue, &part, 0, 1, 0);
    queue_notify(&queue);
    queue_wait(&queue, 0);
    uint16_t token;
    uint32_t written = 0, ones = 0;
    queue_take(&queue, &token, &written);
    for (uint32_t i = 0; i < written; i++) ones += bytes[i] != 0;
    return written && ones;
}

static bool balloon_works(struct virtio_device *device) {
    virtio_open(device, VIRTIO_EVENT_INDEX);
    queue_make_again(&balloon.inflate);
    queue_make_again(&balloon.deflate);
    virtio_start(device);
    balloon_exchange(&balloon, true, 1);
    balloon_exchange(&balloon, false, 1);
    return true;
}

static bool works(struct virtio_device *device) {
    switch (device->id) {
    case VIRTIO_BLOCK: return disk_works();
    case VIRTIO_NETWORK: return network_works(device);
    case VIRTIO_BALLOON: return balloon_works(device);
    case VIRTIO_ENTROPY: return entropy_works(device);
    default:
        virtio_open(device, 0);
        virtio_start(device);
        return !(virtio_read(device, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET);
    }
}

int program(void) {
    const struct parameter parameters[] = {
        NUMBER("seed", &seed),
        NUMBER("cases", &cases),
        NUMBER("device", &number),
        NUMBER_UP_TO("deeds", &deeds, 0x7fff),
    };
    ARGUMENTS_READ(parameters);
    struct virtio_device *device = virtio_at((unsigned)number);
    if (!device) {
        print("hostile: there is no device %lu\n", number);
        return EXIT_UNAVAILABLE;
    }
    prepare(device);
    static struct hostile hostile;
    hostile_begin(&hostile, device, seed, deeds);
    uint64_t step = cases / 10 ? cases / 10 : 1;
    for (uint64_t i = 0; i < cases; i++) {
        const char *deed = hostile_deed(&hostile);
        if (!deed) return EXIT_FAILED;
        if (i % step == 0) {
            print("hostile kind=%u case=%lu resets=%lu broken=%lu: %s\n", device->id, i, hostile.resets, hostile.broken,
                  deed);
        }
    }
    bool is_right = works(device);
    print("hostile kind=%u seed=%lu cases=%lu resets=%lu broken=%lu verdict=%s\n", device->id, seed, cases,
          hostile.resets, hostile.broken, is_right ? "ok" : "failed");
    return is_right ? EXIT_SUCCESS_CODE : EXIT_FAILED;
}

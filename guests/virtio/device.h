// Virtio devices behind the MMIO transport, version 2 (virtio 1.2, 4.2), driven from ring 3.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Device identifiers, virtio 1.2, 5.
#define VIRTIO_NETWORK 1
#define VIRTIO_BLOCK 2
#define VIRTIO_ENTROPY 4
#define VIRTIO_BALLOON 5
#define VIRTIO_SOCKET 19

#define VIRTIO_FEATURE(bit) (1ULL << (bit))
#define VIRTIO_INDIRECT VIRTIO_FEATURE(28)
#define VIRTIO_EVENT_INDEX VIRTIO_FEATURE(29)
#define VIRTIO_VERSION_1 VIRTIO_FEATURE(32)

// Offsets of registers, virtio 1.2, 4.2.2.
enum virtio_register {
    VIRTIO_MAGIC = 0x000,
    VIRTIO_VERSION = 0x004,
    VIRTIO_DEVICE_ID = 0x008,
    VIRTIO_DEVICE_FEATURES = 0x010,
    VIRTIO_DEVICE_FEATURES_SELECT = 0x014,
    VIRTIO_DRIVER_FEATURES = 0x020,
    VIRTIO_DRIVER_FEATURES_SELECT = 0x024,
    VIRTIO_QUEUE_SELECT = 0x030,
    VIRTIO_QUEUE_SIZE_MAX = 0x034,
    VIRTIO_QUEUE_SIZE = 0x038,
    VIRTIO_QUEUE_READY = 0x044,
    VIRTIO_QUEUE_NOTIFY = 0x050,
    VIRTIO_INTERRUPT_STATUS = 0x060,
    VIRTIO_INTERRUPT_ACKNOWLEDGE = 0x064,
    VIRTIO_STATUS = 0x070,
    VIRTIO_QUEUE_DESCRIPTORS = 0x080, // each of the three: low half, then high half
    VIRTIO_QUEUE_DRIVER = 0x090,
    VIRTIO_QUEUE_DEVICE = 0x0a0,
    VIRTIO_CONFIGURATION_GENERATION = 0x0fc,
    VIRTIO_CONFIGURATION = 0x100,
};

// Bits of the status.
#define VIRTIO_ACKNOWLEDGE 1
#define VIRTIO_DRIVER 2
#define VIRTIO_DRIVER_OK 4
#define VIRTIO_FEATURES_OK 8
#define VIRTIO_NEEDS_RESET 64
#define VIRTIO_FAILED 128

// Bits of the interrupt status.
#define VIRTIO_CAUSE_QUEUE 1
#define VIRTIO_CAUSE_CONFIGURATION 2

struct virtio_device {
    uint64_t address;
    uint32_t id;
    unsigned interrupt; // pin of the I/O APICs
    unsigned vector;    // once it was started
    uint64_t offered, features;
};

// The device of that kind, counted from 0 among them in the order of their addresses. Looks at the places the command
// line names as virtio_mmio.device=SIZE@BASE:INTERRUPT, else where Roost and where QEMU's microvm have theirs. Ends the
// guest with EXIT_UNAVAILABLE if it is not there.
struct virtio_device *virtio_find(uint32_t id, unsigned number);

// The device in the place of that number, counted over all kinds; null behind the last.
struct virtio_device *virtio_at(unsigned number);

// Resets and agrees upon what is both wanted and offered, and VERSION_1. Next come the queues (queue.h), then the start.
void virtio_open(struct virtio_device *device, uint64_t wanted);

// The driver is ready; routes the interrupt, too.
void virtio_start(struct virtio_device *device);

// Waits until it is reset.
void virtio_reset(struct virtio_device *device);

static inline uint32_t virtio_read(const struct virtio_device *device, unsigned offset) {
    return *(volatile uint32_t *)(device->address + offset);
}

static inline void virtio_write(const struct virtio_device *device, unsigned offset, uint32_t value) {
    *(volatile uint32_t *)(device->address + offset) = value;
}

static inline bool virtio_has(const struct virtio_device *device, uint64_t feature) {
    return device->features & feature;
}

// Fields of the device's configuration; the second is read until it was not changed meanwhile.
uint8_t virtio_configuration8(const struct virtio_device *device, unsigned offset);
uint64_t virtio_configuration64(const struct virtio_device *device, unsigned offset);

// How many interrupts it has raised.
volatile uint64_t *virtio_interrupts(const struct virtio_device *device);

// Why there were interrupts since the last call, and forgets it.
uint32_t virtio_take_causes(const struct virtio_device *device);

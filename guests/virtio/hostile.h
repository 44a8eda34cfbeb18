// What a bad driver does to a device.
#pragma once
#include <stdint.h>

#include "device.h"
#include "random.h"

struct hostile {
    struct virtio_device *device;
    struct random numbers;
    uint64_t window_bytes, deeds;
    uint64_t resets, broken; // how often it was set up again, and how often it asked for that
    // Memory for the device to write to, and behind it memory for it to read from; what it harms there is its right.
    uint64_t rings, buffers, garbage, end_of_ram;
    struct hostile_queue {
        uint16_t number, size, next;
        struct virtio_descriptor *descriptors;
        volatile struct virtio_available *available;
        volatile struct virtio_used *used;
    } queues[8];
    unsigned queue_count;
};

// Takes the rest of the pool. Which deeds: a bit for each, in the order of hostile.c; 0: all.
void hostile_begin(struct hostile *hostile, struct virtio_device *device, uint64_t seed, uint64_t deeds);

// One bad deed, chosen at random, after setting the device up if it no longer works or by chance. Returns its name,
// null if the device did what no device may.
const char *hostile_deed(struct hostile *hostile);

// Split virtqueues (virtio 1.2, 2.7), the driver's side.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2
#define DESCRIPTOR_INDIRECT 4

struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct virtio_available {
    uint16_t flags, index, ring[]; // behind the ring: used_event
};

struct virtio_used {
    uint16_t flags, index;
    struct virtio_used_element {
        uint32_t head, length;
    } ring[]; // behind the ring: avail_event
};

// A piece of a request.
struct virtio_part {
    const void *address;
    uint32_t length;
};

struct virtio_queue {
    struct virtio_device *device;
    uint16_t number, size;
    uint16_t table_size; // of an indirect table; 0: none are used
    bool is_polled;      // never asks for an interrupt
    struct virtio_descriptor *descriptors, *tables;
    volatile struct virtio_available *available;
    volatile struct virtio_used *used;
    uint16_t free, free_count;
    uint16_t next_available, notified, next_used;
    uint16_t *tokens; // by head
    uint64_t notifications;
};

struct virtio_queue_settings {
    uint16_t size;       // at the most; 0: as many as the device can
    uint16_t table_size; // parts of a request, for indirect tables if they were agreed upon; 0: no tables
    bool is_polled;
};

// Between virtio_open and virtio_start. False if the device has no such queue.
bool queue_make(struct virtio_queue *queue, struct virtio_device *device, uint16_t number,
                struct virtio_queue_settings settings);

// Again after a reset: empty, with the memory it had.
void queue_make_again(struct virtio_queue *queue);

// Puts a request in: first what the device reads, then what it writes. The device may see it from now on, and does so
// at the latest after queue_notify. False if there is no room.
bool queue_add(struct virtio_queue *queue, const struct virtio_part *parts, unsigned readable, unsigned writable,
               uint16_t token);

// Tells the device about requests added since the last time, if it wants to be told.
void queue_notify(struct virtio_queue *queue);

// Takes the next request the device has finished. False if there is none.
bool queue_take(struct virtio_queue *queue, uint16_t *token, uint32_t *written);

// Whether there is one.
bool queue_has_used(const struct virtio_queue *queue);

// Waits until there are more than `ahead`: halted, or in a polled queue spinning.
void queue_wait(struct virtio_queue *queue, uint16_t ahead);

// For whoever has to wait for several things: asks for an interrupt once there are more finished requests than `ahead`.
// False if there are already.
bool queue_arm(struct virtio_queue *queue, uint16_t ahead);

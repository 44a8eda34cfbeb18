#include "network.h"

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "pool.h"
#include "processor.h"
#include "text.h"

#define RECEIVE_QUEUE 0
#define TRANSMIT_QUEUE 1
#define MAX_PARTS 18 // a frame of 64 KiB in pages, and its first one cut
#define REFILL 16    // so many buffers are given back at a time

static uint8_t *receive_buffer(const struct network *network, uint16_t number) {
    return network->buffers + (size_t)number * network->buffer_bytes;
}

static void give_back(struct network *network, uint16_t number) {
    struct virtio_part part = {receive_buffer(network, number), network->buffer_bytes};
    if (queue_add(&network->receive, &part, 0, 1, number)) return;
    print("network: no room in the receive queue\n");
    machine_exit(EXIT_FAILED);
}

static void make_frames(struct network *network, struct network_settings settings) {
    network->frames = pool_take(sizeof *network->frames * settings.frames);
    network->slots = pool_take(sizeof *network->slots * settings.frames);
    for (uint16_t i = 0; i < settings.frames; i++) {
        network->frames[i] = pool_take(sizeof **network->frames + settings.frame_bytes);
        network->slots[i] = i;
    }
    network->free_slots = settings.frames;
}

void network_open(struct network *network, struct network_settings settings) {
    struct virtio_device *device = virtio_find(VIRTIO_NETWORK, settings.number);
    *network = (struct network){.device = device, .buffer_bytes = settings.buffer_bytes};
    virtio_open(device, settings.features | NETWORK_MAC | (settings.is_indirect ? VIRTIO_INDIRECT : 0) |
                            (settings.has_event_index ? VIRTIO_EVENT_INDEX : 0));
    struct virtio_queue_settings queue_settings = {.is_polled = settings.is_polled};
    bool is_there = queue_make(&network->receive, device, RECEIVE_QUEUE, queue_settings);
    queue_settings.table_size = MAX_PARTS;
    is_there = is_there && queue_make(&network->transmit, device, TRANSMIT_QUEUE, queue_settings);
    if (!is_there) {
        print("network: a queue is missing\n");
        machine_exit(EXIT_UNAVAILABLE);
    }
    if (settings.frames > network->transmit.size) settings.frames = network->transmit.size;
    make_frames(network, settings);
    network->buffer_count = network->receive.size;
    network->buffers = pool_take((size_t)network->buffer_count * network->buffer_bytes);
    network->gathered = pool_take(NETWORK_MAX_FRAME + network->buffer_bytes);
    network->taken = pool_take(sizeof *network->taken * network->buffer_count);
    virtio_start(device);
    for (unsigned i = 0; i < sizeof network->mac; i++) network->mac[i] = virtio_configuration8(device, i);
    for (uint16_t i = 0; i < network->buffer_count; i++) give_back(network, i);
    queue_notify(&network->receive);
}

static void give_back_taken(struct network *network) {
    for (unsigned i = 0; i < network->taken_count; i++) give_back(network, network->taken[i]);
    network->taken_count = 0;
    if ((uint16_t)(network->receive.next_available - network->receive.notified) >= REFILL) {
        queue_notify(&network->receive);
    }
}

// The rest of a frame in several buffers. The device must have them all in the used ring before it shows the first.
static uint8_t *gather(struct network *network, const uint8_t *first, uint32_t *length, unsigned count) {
    memcpy(network->gathered, first, *length);
    for (unsigned i = 1; i < count; i++) {
        uint32_t written = 0;
        bool is_there = queue_take(&network->receive, &network->taken[i], &written);
        if (!is_there || *length + written > NETWORK_MAX_FRAME) {
            print("network: a frame of %u buffers breaks off at %u, after %u bytes\n", count, i, *length);
            machine_exit(EXIT_FAILED);
        }
        memcpy(network->gathered + *length, receive_buffer(network, network->taken[i]), written);
        *length += written;
        network->taken_count++;
    }
    return network->gathered;
}

uint8_t *network_receive(struct network *network, uint32_t *length, struct network_header *header) {
    give_back_taken(network);
    uint32_t written;
    if (!queue_take(&network->receive, &network->taken[0], &written)) return NULL;
    network->taken_count = 1;
    uint8_t *buffer = receive_buffer(network, network->taken[0]);
    memcpy(header, buffer, sizeof *header);
    bool is_mergeable = virtio_has(network->device, NETWORK_MERGEABLE);
    unsigned count = is_mergeable ? header->buffer_count : 1;
    if (written < sizeof *header || written > network->buffer_bytes || !count || count > network->buffer_count) {
        print("network: a frame of %u bytes in %u buffers of %u\n", written, count, network->buffer_bytes);
        machine_exit(EXIT_FAILED);
    }
    *length = written - (uint32_t)sizeof *header;
    buffer += sizeof *header;
    return count == 1 ? buffer : gather(network, buffer, length, count);
}

void network_wait(struct network *network) {
    give_back_taken(network);
    queue_notify(&network->receive);
    queue_wait(&network->receive, 0);
}

static void reclaim(struct network *network) {
    uint16_t slot;
    uint32_t written;
    while (queue_take(&network->transmit, &slot, &written)) network->slots[network->free_slots++] = slot;
}

static uint16_t under_way(const struct network *network) {
    return (uint16_t)(network->transmit.next_available - network->transmit.next_used);
}

struct network_buffer *network_take_buffer(struct network *network, uint16_t *slot) {
    reclaim(network);
    while (!network->free_slots) {
        queue_notify(&network->transmit);
        // Not upon each: when half of them are free again.
        queue_wait(&network->transmit, under_way(network) / 2);
        reclaim(network);
    }
    *slot = network->slots[--network->free_slots];
    struct network_buffer *buffer = network->frames[*slot];
    buffer->header = (struct network_header){0};
    return buffer;
}

void network_send(struct network *network, uint16_t slot, uint32_t length) {
    const uint8_t *bytes = (const uint8_t *)network->frames[slot];
    uint32_t left = length + (uint32_t)sizeof(struct network_header);
    struct virtio_part parts[MAX_PARTS];
    unsigned count = 0;
    while (left) {
        // As a kernel would have it: page by page.
        uint32_t part = PAGE_BYTES - (uint32_t)((uint64_t)bytes % PAGE_BYTES);
        if (part > left) part = left;
        parts[count++] = (struct virtio_part){bytes, part};
        bytes += part;
        left -= part;
    }
    while (!queue_add(&network->transmit, parts, count, 0, slot)) {
        queue_notify(&network->transmit);
        queue_wait(&network->transmit, 0);
        reclaim(network);
    }
}

void network_drain(struct network *network) {
    queue_notify(&network->transmit);
    while (under_way(network)) {
        queue_wait(&network->transmit, (uint16_t)(under_way(network) - 1));
        reclaim(network);
    }
}

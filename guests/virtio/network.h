// A virtio network device (virtio 1.2, 5.1) with one pair of queues.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define NETWORK_CHECKSUM VIRTIO_FEATURE(0)
#define NETWORK_GUEST_CHECKSUM VIRTIO_FEATURE(1)
#define NETWORK_MAC VIRTIO_FEATURE(5)
#define NETWORK_GUEST_TSO4 VIRTIO_FEATURE(7)
#define NETWORK_HOST_TSO4 VIRTIO_FEATURE(11)
#define NETWORK_MERGEABLE VIRTIO_FEATURE(15)

#define NETWORK_NEEDS_CHECKSUM 1 // flags
#define NETWORK_GSO_TCP4 1       // gso_type

#define NETWORK_MAX_FRAME (65535 + 14)

struct network_header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, checksum_start, checksum_offset, buffer_count;
};
_Static_assert(sizeof(struct network_header) == 12, "virtio 1.2, 5.1.6");

// A frame to be sent: the header, and the frame right behind it.
struct network_buffer {
    struct network_header header;
    uint8_t frame[];
};

struct network {
    struct virtio_device *device;
    struct virtio_queue receive, transmit;
    uint8_t mac[6];
    uint32_t buffer_bytes, buffer_count; // for receiving
    uint8_t *buffers, *gathered;
    uint16_t *taken; // buffers of the frame given out last
    unsigned taken_count;
    uint16_t free_slots, *slots; // for sending
    struct network_buffer **frames;
};

struct network_settings {
    unsigned number;        // among the network devices
    uint64_t features;      // wanted besides MAC and those of the transport
    uint32_t buffer_bytes;  // of a receive buffer; without mergeable ones the largest frame must fit
    uint32_t frame_bytes;   // of the largest frame to be sent
    uint16_t frames;        // sent at the same time at the most
    bool is_indirect, is_polled, has_event_index;
};

void network_open(struct network *network, struct network_settings settings);

// The next frame that came in, valid until the next call; null if there is none.
uint8_t *network_receive(struct network *network, uint32_t *length, struct network_header *header);

// Waits for a frame to come in.
void network_wait(struct network *network);

// A buffer to be sent, with a header of zeros; waits if all are under way.
struct network_buffer *network_take_buffer(struct network *network, uint16_t *slot);

// Sends it: length bytes of its frame. The device is told by queue_notify(&network->transmit).
void network_send(struct network *network, uint16_t slot, uint32_t length);

// Waits until all frames were sent.
void network_drain(struct network *network);

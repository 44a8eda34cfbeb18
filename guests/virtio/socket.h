// A virtio socket device (virtio 1.2, 5.10): packets in and out. Connections are the program's own.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define SOCKET_HOST 2
#define SOCKET_STREAM 1

enum socket_operation {
    SOCKET_REQUEST = 1,
    SOCKET_RESPONSE,
    SOCKET_RESET,
    SOCKET_SHUTDOWN,
    SOCKET_DATA,
    SOCKET_CREDIT_UPDATE,
    SOCKET_CREDIT_REQUEST,
};

// Flags of a shutdown: what the sender of it will no longer do.
#define SOCKET_NO_RECEIVE 1
#define SOCKET_NO_SEND 2

struct __attribute__((packed)) socket_header {
    uint64_t from_cid, to_cid;
    uint32_t from_port, to_port, length;
    uint16_t type, operation;
    uint32_t flags, buffer_bytes, forwarded;
};
_Static_assert(sizeof(struct socket_header) == 44, "virtio 1.2, 5.10.6");

struct socket_packet {
    struct socket_header header;
    uint8_t data[];
};

#define SOCKET_DATA_BYTES (16384 - sizeof(struct socket_header)) // of a packet, at the most

struct socket_device {
    struct virtio_device *device;
    struct virtio_queue receive, transmit, events;
    uint64_t cid;
    struct socket_packet **incoming, **outgoing;
    uint16_t *free_slots, free_count, taken;
    bool has_taken;
};

void socket_open(struct socket_device *socket, unsigned number);

// The next packet that came in, valid until the next call; null if there is none. Ends the guest if it is malformed.
struct socket_packet *socket_receive(struct socket_device *socket);

// Waits for one.
void socket_wait(struct socket_device *socket);

// A packet to be filled, all zeros but for what every packet to the host's stream sockets has; waits for room.
struct socket_packet *socket_take(struct socket_device *socket, uint16_t *slot);

// Sends it, with as much data as its header says.
void socket_send(struct socket_device *socket, uint16_t slot);

#include "socket.h"

#include "console.h"
#include "machine.h"
#include "pool.h"
#include "text.h"

#define RECEIVE_QUEUE 0
#define TRANSMIT_QUEUE 1
#define EVENT_QUEUE 2
#define PACKETS 64
#define PACKET_BYTES (sizeof(struct socket_header) + SOCKET_DATA_BYTES)
#define EVENTS 4
#define EVENT_BYTES 4

static void give_back(struct socket_device *socket, uint16_t slot) {
    struct virtio_part part = {socket->incoming[slot], PACKET_BYTES};
    queue_add(&socket->receive, &part, 0, 1, slot);
}

void socket_open(struct socket_device *socket, unsigned number) {
    struct virtio_device *device = virtio_find(VIRTIO_SOCKET, number);
    *socket = (struct socket_device){.device = device};
    virtio_open(device, VIRTIO_EVENT_INDEX | VIRTIO_INDIRECT);
    struct virtio_queue_settings settings = {.size = PACKETS};
    bool is_there = queue_make(&socket->receive, device, RECEIVE_QUEUE, settings) &&
                    queue_make(&socket->transmit, device, TRANSMIT_QUEUE, settings) &&
                    queue_make(&socket->events, device, EVENT_QUEUE, (struct virtio_queue_settings){.size = EVENTS});
    if (!is_there) {
        print("socket: a queue is missing\n");
        machine_exit(EXIT_UNAVAILABLE);
    }
    socket->incoming = pool_take(sizeof *socket->incoming * PACKETS);
    socket->outgoing = pool_take(sizeof *socket->outgoing * PACKETS);
    socket->free_slots = pool_take(sizeof *socket->free_slots * PACKETS);
    for (uint16_t i = 0; i < PACKETS; i++) {
        socket->incoming[i] = pool_take(PACKET_BYTES);
        socket->outgoing[i] = pool_take(PACKET_BYTES);
    }
    while (socket->free_count < socket->transmit.size) {
        socket->free_slots[socket->free_count] = socket->free_count;
        socket->free_count++;
    }
    virtio_start(device);
    socket->cid = virtio_configuration64(device, 0);
    for (uint16_t i = 0; i < socket->receive.size; i++) give_back(socket, i);
    queue_notify(&socket->receive);
    for (uint16_t i = 0; i < socket->events.size; i++) {
        struct virtio_part part = {pool_take(EVENT_BYTES), EVENT_BYTES};
        queue_add(&socket->events, &part, 0, 1, i);
    }
    queue_notify(&socket->events);
}

struct socket_packet *socket_receive(struct socket_device *socket) {
    if (socket->has_taken) {
        give_back(socket, socket->taken);
        queue_notify(&socket->receive);
    }
    uint32_t written;
    socket->has_taken = queue_take(&socket->receive, &socket->taken, &written);
    if (!socket->has_taken) return NULL;
    struct socket_packet *packet = socket->incoming[socket->taken];
    const struct socket_header *header = &packet->header;
    if (written >= sizeof *header && header->length == written - sizeof *header && header->to_cid == socket->cid &&
        header->from_cid == SOCKET_HOST && header->type == SOCKET_STREAM) {
        return packet;
    }
    print("socket: a packet of %u bytes from %lu to %lu, type %u, operation %u, length %u\n", written, header->from_cid,
          header->to_cid, header->type, header->operation, header->length);
    machine_exit(EXIT_FAILED);
}

void socket_wait(struct socket_device *socket) {
    queue_wait(&socket->receive, 0);
}

static void reclaim(struct socket_device *socket) {
    uint16_t slot;
    uint32_t written;
    while (queue_take(&socket->transmit, &slot, &written)) socket->free_slots[socket->free_count++] = slot;
}

struct socket_packet *socket_take(struct socket_device *socket, uint16_t *slot) {
    reclaim(socket);
    while (!socket->free_count) {
        queue_wait(&socket->transmit, 0);
        reclaim(socket);
    }
    *slot = socket->free_slots[--socket->free_count];
    struct socket_packet *packet = socket->outgoing[*slot];
    packet->header = (struct socket_header){.from_cid = socket->cid, .to_cid = SOCKET_HOST, .type = SOCKET_STREAM};
    return packet;
}

void socket_send(struct socket_device *socket, uint16_t slot) {
    struct socket_packet *packet = socket->outgoing[slot];
    struct virtio_part part = {packet, (uint32_t)sizeof packet->header + packet->header.length};
    queue_add(&socket->transmit, &part, 1, 0, slot);
    queue_notify(&socket->transmit);
}

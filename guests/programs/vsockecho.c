// Streams of the host's programs: sends back what comes in, swallows it, or connects to the host and sends. It keeps to
// the rules of credit, and ends if the host does not.
#include "arguments.h"
#include "console.h"
#include "machine.h"
#include "pool.h"
#include "processor.h"
#include "socket.h"
#include "text.h"
#include "time.h"

#define MAX_CONNECTIONS 64
#define OWN_PORT 50000 // of the connections the guest makes, and the following

static const char *const operations[] = {"echo", "receive", "send", NULL};

static const char *operation = "echo";
static uint64_t port = 7000, connections_wanted = 1, bytes_wanted = 1 << 20, buffer_bytes = 256 << 10, number;

struct connection {
    bool is_open, is_connected, is_ending; // ending: our shutdown was sent
    uint32_t my_port, peer_port, peer_shutdown;
    uint32_t peer_buffer, peer_forwarded, sent; // the credit the peer gives
    uint32_t received, forwarded, told;         // the credit the peer has; told: what it was last told
    uint8_t *buffer;                            // a ring: received minus forwarded bytes are in it
    uint64_t left;                              // to be sent, for op=send
};

static struct socket_device socket;
static struct connection connections[MAX_CONNECTIONS];
static uint64_t closed, refused, bytes_in, bytes_out, first_cycles;

static struct connection *find(uint32_t my_port, uint32_t peer_port) {
    for (unsigned i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *connection = &connections[i];
        if (connection->is_open && connection->my_port == my_port && connection->peer_port == peer_port) {
            return connection;
        }
    }
    return NULL;
}

static struct connection *find_closed(void) {
    for (unsigned i = 0; i < MAX_CONNECTIONS; i++) {
        if (!connections[i].is_open) return &connections[i];
    }
    return NULL;
}

static void begin(struct connection *connection, uint32_t my_port, uint32_t peer_port) {
    uint8_t *buffer = connection->buffer ? connection->buffer : pool_take(buffer_bytes);
    *connection = (struct connection){.is_open = true, .my_port = my_port, .peer_port = peer_port, .buffer = buffer};
    if (!first_cycles) first_cycles = read_tsc();
}

static void send_packet(struct connection *connection, enum socket_operation what, uint32_t flags) {
    uint16_t slot;
    struct socket_header *header = &socket_take(&socket, &slot)->header;
    header->operation = (uint16_t)what;
    header->flags = flags;
    header->from_port = connection->my_port;
    header->to_port = connection->peer_port;
    header->buffer_bytes = (uint32_t)buffer_bytes;
    header->forwarded = connection->told = connection->forwarded;
    socket_send(&socket, slot);
}

static void refuse(const struct socket_header *packet) {
    uint16_t slot;
    struct socket_header *header = &socket_take(&socket, &slot)->header;
    header->operation = SOCKET_RESET;
    header->from_port = packet->to_port;
    header->to_port = packet->from_port;
    socket_send(&socket, slot);
    refused++;
}

static uint32_t credit(const struct connection *connection) {
    uint32_t under_way = connection->sent - connection->peer_forwarded;
    return under_way < connection->peer_buffer ? connection->peer_buffer - under_way : 0;
}

// Sends a packet of data: what is in the buffer, or the next of the bytes that count up.
static void send_data(struct connection *connection, uint32_t length) {
    uint16_t slot;
    struct socket_packet *packet = socket_take(&socket, &slot);
    for (uint32_t done = 0; done < length;) {
        uint32_t at = (uint32_t)((connection->forwarded + done) % buffer_bytes);
        uint32_t piece = (uint32_t)buffer_bytes - at < length - done ? (uint32_t)buffer_bytes - at : length - done;
        if (connection->left) {
            for (uint32_t i = 0; i < length; i++) packet->data[i] = (uint8_t)(connection->sent + i);
            piece = length;
        } else {
            memcpy(packet->data + done, connection->buffer + at, piece);
        }
        done += piece;
    }
    if (connection->left) {
        connection->left -= length;
    } else {
        connection->forwarded += length;
    }
    struct socket_header *header = &packet->header;
    header->operation = SOCKET_DATA;
    header->from_port = connection->my_port;
    header->to_port = connection->peer_port;
    header->buffer_bytes = (uint32_t)buffer_bytes;
    header->forwarded = connection->told = connection->forwarded;
    header->length = length;
    connection->sent += length;
    bytes_out += length;
    socket_send(&socket, slot);
}

static void end(struct connection *connection) {
    connection->is_open = false;
    closed++;
}

// Does what can be done: forwards, tells about room, ends what is over.
static void advance(struct connection *connection) {
    if (connection->is_ending && connection->peer_shutdown == (SOCKET_NO_RECEIVE | SOCKET_NO_SEND)) {
        send_packet(connection, SOCKET_RESET, 0);
        return end(connection);
    }
    if (!connection->is_connected || connection->is_ending) return;
    bool is_echo = text_equal(operation, "echo"), is_sender = text_equal(operation, "send");
    if (!is_echo || connection->peer_shutdown & SOCKET_NO_RECEIVE) connection->forwarded = connection->received;
    for (;;) {
        uint64_t ready = is_sender ? connection->left : connection->received - connection->forwarded;
        uint32_t length = credit(connection);
        if (length > ready) length = (uint32_t)ready;
        if (length > SOCKET_DATA_BYTES) length = SOCKET_DATA_BYTES;
        if (!length) break;
        send_data(connection, length);
    }
    bool is_done = is_sender ? !connection->left
                             : connection->peer_shutdown & SOCKET_NO_SEND && connection->received == connection->forwarded;
    if (is_done && connection->peer_shutdown == (SOCKET_NO_RECEIVE | SOCKET_NO_SEND)) {
        send_packet(connection, SOCKET_RESET, 0);
        end(connection);
    } else if (is_done) {
        send_packet(connection, SOCKET_SHUTDOWN, SOCKET_NO_RECEIVE | SOCKET_NO_SEND);
        connection->is_ending = true;
    } else if (connection->forwarded - connection->told >= buffer_bytes / 2) {
        send_packet(connection, SOCKET_CREDIT_UPDATE, 0);
    }
}

static void take_data(struct connection *connection, const struct socket_packet *packet) {
    uint32_t length = packet->header.length;
    if (connection->received + length - connection->told > buffer_bytes) {
        print("vsockecho: port %u sent %u bytes more than it may\n", connection->peer_port,
              connection->received + length - connection->told - (uint32_t)buffer_bytes);
        machine_exit(EXIT_FAILED);
    }
    for (uint32_t done = 0; done < length;) {
        uint32_t at = (uint32_t)((connection->received + done) % buffer_bytes);
        uint32_t piece = (uint32_t)buffer_bytes - at < length - done ? (uint32_t)buffer_bytes - at : length - done;
        memcpy(connection->buffer + at, packet->data + done, piece);
        done += piece;
    }
    connection->received += length;
    bytes_in += length;
}

static void accept(const struct socket_header *header) {
    struct connection *connection = find_closed();
    if (header->to_port != port || text_equal(operation, "send") || !connection) return refuse(header);
    begin(connection, header->to_port, header->from_port);
    connection->is_connected = true;
    connection->peer_buffer = header->buffer_bytes;
    connection->peer_forwarded = header->forwarded;
    send_packet(connection, SOCKET_RESPONSE, 0);
}

static void take(const struct socket_packet *packet) {
    const struct socket_header *header = &packet->header;
    struct connection *connection = find(header->to_port, header->from_port);
    if (!connection && header->operation == SOCKET_REQUEST) return accept(header);
    if (!connection) {
        if (header->operation != SOCKET_RESET) refuse(header);
        return;
    }
    connection->peer_buffer = header->buffer_bytes;
    connection->peer_forwarded = header->forwarded;
    switch (header->operation) {
    case SOCKET_RESPONSE: connection->is_connected = true; break;
    case SOCKET_RESET:
        if (!connection->is_connected) print("vsockecho: the host refuses port %u\n", connection->peer_port);
        return end(connection);
    case SOCKET_SHUTDOWN: connection->peer_shutdown |= header->flags; break;
    case SOCKET_DATA: take_data(connection, packet); break;
    case SOCKET_CREDIT_UPDATE: break;
    case SOCKET_CREDIT_REQUEST: send_packet(connection, SOCKET_CREDIT_UPDATE, 0); break;
    default:
        print("vsockecho: operation %u\n", header->operation);
        machine_exit(EXIT_FAILED);
    }
    advance(connection);
}

static void connect_all(void) {
    for (unsigned i = 0; i < connections_wanted && i < MAX_CONNECTIONS; i++) {
        begin(&connections[i], OWN_PORT + i, (uint32_t)port);
        connections[i].left = bytes_wanted;
        send_packet(&connections[i], SOCKET_REQUEST, 0);
    }
}

int program(void) {
    const struct parameter parameters[] = {
        TEXT("op", &operation, operations),
        NUMBER_UP_TO("port", &port, UINT32_MAX),
        NUMBER("connections", &connections_wanted),
        NUMBER("bytes", &bytes_wanted),
        NUMBER_UP_TO("buffer", &buffer_bytes, 16 << 20),
        NUMBER("device", &number),
    };
    ARGUMENTS_READ(parameters);
    // A power of two, since the ring's positions wrap at 2^32.
    if (!buffer_bytes || buffer_bytes & (buffer_bytes - 1)) {
        print("vsockecho: the buffer must be a power of two\n");
        return EXIT_USAGE;
    }
    socket_open(&socket, (unsigned)number);
    print("vsock ready cid=%lu port=%lu op=%s\n", socket.cid, port, operation);
    if (text_equal(operation, "send")) connect_all();
    while (closed < connections_wanted) {
        const struct socket_packet *packet = socket_receive(&socket);
        if (packet) {
            take(packet);
        } else {
            socket_wait(&socket);
        }
    }
    uint64_t microseconds = time_cycles_to_nanoseconds(read_tsc() - first_cycles) / 1000 + 1;
    print("vsock %s connections=%lu refused=%lu in=%lu out=%lu seconds=%lu.%06lu mib_per_s=%lu kicks=%lu "
          "interrupts=%lu\n",
          operation, closed, refused, bytes_in, bytes_out, microseconds / 1000000, microseconds % 1000000,
          ((bytes_in + bytes_out) * 1000 / (microseconds / 1000 + 1)) >> 20,
          socket.transmit.notifications + socket.receive.notifications, *virtio_interrupts(socket.device));
    return EXIT_SUCCESS_CODE;
}

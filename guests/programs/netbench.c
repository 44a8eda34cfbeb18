// Sends, receives or answers UDP datagrams, whose other end is an ordinary socket on the host's side of a tap; or
// sends TCP segments for the device to cut.
//
// The payload of a datagram starts with its number and the complement of it: the checksum is the same for all.
#include "arguments.h"
#include "console.h"
#include "internet.h"
#include "machine.h"
#include "network.h"
#include "processor.h"
#include "text.h"
#include "time.h"

#define PAYLOAD_MIN 16
#define ARP_TRIES 20
#define ARP_PATIENCE_MICROSECONDS 100000

static const char *const operations[] = {"send", "receive", "echo", NULL};
static const char *const switches[] = {"on", "off", NULL};
static const char *const ways_to_wait[] = {"interrupt", "poll", NULL};

static const char *operation = "send", *my_address = "10.77.0.2", *peer_address = "10.77.0.1", *wait = "interrupt",
                  *event = "on", *indirect = "on", *mergeable = "on", *checksum = "off";
static uint64_t frame_bytes = 1514, milliseconds = 2000, frames_wanted, depth = 256, batch = 1, segment, number,
                buffer_bytes = 2048, my_port = 7777, peer_port = 7777;

static struct network network;
static struct endpoint me, peer;
static uint64_t frames, bytes, broken, lost, first_cycles, last_cycles;
static uint64_t next_number;

static bool is_on(const char *text) {
    return text_equal(text, "on");
}

static void send_arp(bool is_reply, const struct endpoint *to) {
    uint16_t slot;
    struct network_buffer *buffer = network_take_buffer(&network, &slot);
    internet_make_arp(buffer->frame, is_reply, &me, to);
    network_send(&network, slot, ARP_BYTES);
    queue_notify(&network.transmit);
}

// The next datagram to us; requests for our address are answered on the way. Null if nothing more came in.
static uint8_t *next_datagram(uint32_t *length, enum internet_kind *kind) {
    struct network_header header;
    uint8_t *frame;
    while ((frame = network_receive(&network, length, &header))) {
        struct endpoint from;
        bool has_checksum = !(header.flags & NETWORK_NEEDS_CHECKSUM);
        *kind = internet_look(frame, *length, has_checksum, &me, &from);
        if (*kind == INTERNET_UDP || *kind == INTERNET_BROKEN) return frame;
        if (*kind == INTERNET_ARP_REQUEST) send_arp(true, &from);
        if (*kind == INTERNET_ARP_REPLY && from.address == peer.address) memcpy(peer.mac, from.mac, sizeof peer.mac);
    }
    return NULL;
}

static bool has_peer(void) {
    static const uint8_t nobody[6];
    return memcmp(peer.mac, nobody, sizeof nobody) != 0;
}

static bool find_peer(void) {
    for (unsigned attempt = 0; attempt < ARP_TRIES; attempt++) {
        send_arp(false, &peer);
        uint64_t start = read_tsc(), patience = time_microseconds_to_cycles(ARP_PATIENCE_MICROSECONDS);
        while (read_tsc() - start < patience) {
            uint32_t length;
            enum internet_kind kind;
            next_datagram(&length, &kind);
            if (has_peer()) return true;
            spin_hint();
        }
    }
    print("netbench: nobody answers for %s\n", peer_address);
    return false;
}

static void report(uint64_t cycles) {
    uint64_t microseconds = time_cycles_to_nanoseconds(cycles) / 1000;
    if (!microseconds) microseconds = 1;
    print("net %s size=%lu frames=%lu bytes=%lu seconds=%lu.%06lu pps=%lu mbit_per_s=%lu broken=%lu lost=%lu "
          "kicks=%lu interrupts=%lu segment=%lu mergeable=%s wait=%s\n",
          operation, frame_bytes, frames, bytes, microseconds / 1000000, microseconds % 1000000,
          frames * 1000000 / microseconds, bytes * 8 / microseconds, broken, lost,
          network.transmit.notifications + network.receive.notifications, *virtio_interrupts(network.device), segment,
          virtio_has(network.device, NETWORK_MERGEABLE) ? "on" : "off", wait);
}

static void number_payload(uint8_t *frame, uint64_t value) {
    uint64_t inverse = ~value;
    memcpy(frame + UDP_PAYLOAD, &value, sizeof value);
    memcpy(frame + UDP_PAYLOAD + sizeof value, &inverse, sizeof inverse);
}

static int send(void) {
    if (!find_peer()) return EXIT_FAILED;
    // Every buffer holds its frame from the beginning; what changes is the number.
    for (uint16_t i = 0; i < network.free_slots; i++) {
        uint8_t *frame = network.frames[network.slots[i]]->frame;
        number_payload(frame, 0);
        if (segment) {
            internet_make_tcp(frame, (uint32_t)frame_bytes, &me, &peer);
        } else {
            internet_make_udp(frame, (uint32_t)frame_bytes, &me, &peer);
        }
    }
    print("net start\n");
    uint64_t start = read_tsc(), limit = time_microseconds_to_cycles(milliseconds * 1000);
    do {
        for (uint64_t i = 0; i < batch; i++) {
            uint16_t slot;
            struct network_buffer *buffer = network_take_buffer(&network, &slot);
            if (segment) {
                buffer->header = (struct network_header){
                    .flags = NETWORK_NEEDS_CHECKSUM,
                    .gso_type = NETWORK_GSO_TCP4,
                    .header_length = ETHERNET_BYTES + IPV4_BYTES + TCP_BYTES,
                    .gso_size = (uint16_t)segment,
                    .checksum_start = ETHERNET_BYTES + IPV4_BYTES,
                    .checksum_offset = 16,
                };
            } else {
                number_payload(buffer->frame, frames);
            }
            network_send(&network, slot, (uint32_t)frame_bytes);
            frames++;
            bytes += frame_bytes;
        }
        queue_notify(&network.transmit);
    } while (frames_wanted ? frames < frames_wanted : read_tsc() - start < limit);
    network_drain(&network);
    report(read_tsc() - start);
    return EXIT_SUCCESS_CODE;
}

// Whether the datagram says that it was the last one.
static bool is_end(const uint8_t *frame, uint32_t length) {
    return length >= UDP_PAYLOAD + 3 && !memcmp(frame + UDP_PAYLOAD, "end", 3);
}

static void count(const uint8_t *frame, uint32_t length, enum internet_kind kind) {
    last_cycles = read_tsc();
    if (!frames) first_cycles = last_cycles;
    frames++;
    bytes += length;
    uint64_t value, inverse;
    if (length < UDP_PAYLOAD + PAYLOAD_MIN) {
        kind = INTERNET_BROKEN;
    } else {
        memcpy(&value, frame + UDP_PAYLOAD, sizeof value);
        memcpy(&inverse, frame + UDP_PAYLOAD + sizeof value, sizeof inverse);
        if (value != ~inverse) kind = INTERNET_BROKEN;
    }
    if (kind == INTERNET_BROKEN) {
        broken++;
        return;
    }
    if (value > next_number) lost += value - next_number;
    next_number = value + 1;
}

// Until so many came, or the last one, or, with a limit of time, that is over since the first one.
static int serve(bool does_answer) {
    uint64_t limit = time_microseconds_to_cycles(milliseconds * 1000);
    print("net start\n");
    for (bool is_over = false; !is_over;) {
        uint32_t length;
        enum internet_kind kind;
        uint8_t *frame = next_datagram(&length, &kind);
        if (!frame) {
            queue_notify(&network.transmit);
            network_wait(&network);
            continue;
        }
        if (is_end(frame, length)) break;
        count(frame, length, kind);
        is_over = frames == frames_wanted || (!frames_wanted && limit && last_cycles - first_cycles > limit);
        if (!does_answer || kind == INTERNET_BROKEN) continue;
        uint16_t slot;
        struct network_buffer *buffer = network_take_buffer(&network, &slot);
        memcpy(buffer->frame, frame, length);
        internet_turn_round(buffer->frame);
        network_send(&network, slot, length);
    }
    network_drain(&network);
    report(last_cycles - first_cycles);
    return broken ? EXIT_FAILED : EXIT_SUCCESS_CODE;
}

static void take_arguments(void) {
    const struct parameter parameters[] = {
        TEXT("op", &operation, operations),
        NUMBER_UP_TO("size", &frame_bytes, NETWORK_MAX_FRAME),
        NUMBER_UP_TO("ms", &milliseconds, 3600000),
        NUMBER("frames", &frames_wanted),
        NUMBER_UP_TO("depth", &depth, 1024),
        NUMBER_UP_TO("batch", &batch, 1024),
        NUMBER_UP_TO("segment", &segment, 65495),
        NUMBER_UP_TO("buffer", &buffer_bytes, 1 << 17),
        NUMBER("device", &number),
        TEXT("ip", &my_address, NULL),
        TEXT("peer", &peer_address, NULL),
        NUMBER_UP_TO("port", &my_port, 65535),
        NUMBER_UP_TO("peer-port", &peer_port, 65535),
        TEXT("mergeable", &mergeable, switches),
        TEXT("checksum", &checksum, switches),
        TEXT("indirect", &indirect, switches),
        TEXT("event", &event, switches),
        TEXT("wait", &wait, ways_to_wait),
    };
    ARGUMENTS_READ(parameters);
    me.port = (uint16_t)my_port;
    peer.port = (uint16_t)peer_port;
    bool is_right = internet_address(my_address, &me.address) && internet_address(peer_address, &peer.address);
    if (is_right && depth && batch && frame_bytes >= UDP_PAYLOAD + PAYLOAD_MIN && buffer_bytes >= 128) return;
    print("netbench: an address is wrong, a number 0, or less than %u bytes make no frame\n", UDP_PAYLOAD + PAYLOAD_MIN);
    machine_exit(EXIT_USAGE);
}

int program(void) {
    take_arguments();
    uint64_t features = (segment ? NETWORK_CHECKSUM | NETWORK_HOST_TSO4 : 0) |
                        (is_on(mergeable) ? NETWORK_MERGEABLE : 0) | (is_on(checksum) ? NETWORK_GUEST_CHECKSUM : 0);
    // An echo sends what came in, whatever its size.
    bool is_echo = text_equal(operation, "echo");
    network_open(&network, (struct network_settings){
                               .number = (unsigned)number,
                               .features = features,
                               .buffer_bytes = (uint32_t)buffer_bytes,
                               .frame_bytes = is_echo ? NETWORK_MAX_FRAME : (uint32_t)frame_bytes,
                               .frames = (uint16_t)depth,
                               .is_indirect = is_on(indirect),
                               .is_polled = text_equal(wait, "poll"),
                               .has_event_index = is_on(event),
                           });
    if (segment && !virtio_has(network.device, NETWORK_HOST_TSO4)) {
        print("netbench: the device cuts no TCP segments\n");
        return EXIT_UNAVAILABLE;
    }
    memcpy(me.mac, network.mac, sizeof me.mac);
    if (text_equal(operation, "send")) return send();
    return serve(is_echo);
}

#include "internet.h"

#include "text.h"

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define TCP_RESET 4

#define IPV4_AT ETHERNET_BYTES
#define UDP_AT (ETHERNET_BYTES + IPV4_BYTES)

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

bool internet_address(const char *text, uint32_t *address) {
    *address = 0;
    for (unsigned part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; digits++) value = value * 10 + (unsigned)(*text++ - '0');
        if (!digits || value > 255 || *text != (part < 3 ? '.' : 0)) return false;
        *address = *address << 8 | value;
        if (part < 3) text++;
    }
    return true;
}

// In the machine's byte order, eight bytes at a time: the sum does not care, once it is folded.
uint64_t internet_sum(const uint8_t *bytes, uint32_t length, uint64_t sum) {
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, sizeof word);
        sum += word;
        sum += sum < word;
    }
    uint64_t rest = 0;
    for (uint32_t i = 0; i < length; i++) rest |= (uint64_t)bytes[i] << 8 * i;
    sum += rest;
    return sum + (sum < rest);
}

uint16_t internet_fold(uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void store_checksum(uint8_t *at, uint16_t checksum) {
    at[0] = (uint8_t)checksum; // the machine's order, as it was summed
    at[1] = (uint8_t)(checksum >> 8);
}

static uint64_t sum_pseudo_header(const uint8_t *frame, uint8_t protocol, uint32_t length) {
    uint8_t rest[4] = {0, protocol};
    put16(rest + 2, length);
    return internet_sum(rest, sizeof rest, internet_sum(frame + IPV4_AT + 12, 8, 0));
}

static void make_ethernet(uint8_t *frame, const uint8_t from[6], const uint8_t to[6], uint16_t type) {
    memcpy(frame, to, 6);
    memcpy(frame + 6, from, 6);
    put16(frame + 12, type);
}

static void make_ipv4(uint8_t *frame, uint32_t length, uint8_t protocol, const struct endpoint *from,
                      const struct endpoint *to) {
    make_ethernet(frame, from->mac, to->mac, TYPE_IPV4);
    uint8_t *header = frame + IPV4_AT;
    memset(header, 0, IPV4_BYTES);
    header[0] = 0x45;
    put16(header + 2, length - ETHERNET_BYTES);
    header[6] = 0x40; // not to be fragmented
    header[8] = 64;
    header[9] = protocol;
    put32(header + 12, from->address);
    put32(header + 16, to->address);
    store_checksum(header + 10, (uint16_t)~internet_fold(internet_sum(header, IPV4_BYTES, 0)));
}

void internet_make_udp(uint8_t *frame, uint32_t length, const struct endpoint *from, const struct endpoint *to) {
    make_ipv4(frame, length, PROTOCOL_UDP, from, to);
    uint8_t *header = frame + UDP_AT;
    uint32_t udp_length = length - UDP_AT;
    put16(header, from->port);
    put16(header + 2, to->port);
    put16(header + 4, udp_length);
    put16(header + 6, 0);
    uint64_t pseudo = sum_pseudo_header(frame, PROTOCOL_UDP, udp_length);
    uint16_t checksum = (uint16_t)~internet_fold(internet_sum(header, udp_length, pseudo));
    store_checksum(header + 6, checksum ? checksum : UINT16_MAX);
}

void internet_make_tcp(uint8_t *frame, uint32_t length, const struct endpoint *from, const struct endpoint *to) {
    make_ipv4(frame, length, PROTOCOL_TCP, from, to);
    uint8_t *header = frame + UDP_AT;
    memset(header, 0, TCP_BYTES);
    put16(header, from->port);
    put16(header + 2, to->port);
    header[12] = TCP_BYTES / 4 << 4;
    header[13] = TCP_RESET;
    store_checksum(header + 16, internet_fold(sum_pseudo_header(frame, PROTOCOL_TCP, length - UDP_AT)));
}

void internet_make_arp(uint8_t *frame, bool is_reply, const struct endpoint *from, const struct endpoint *to) {
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nobody[6];
    make_ethernet(frame, from->mac, is_reply ? to->mac : everybody, TYPE_ARP);
    uint8_t *body = frame + ETHERNET_BYTES;
    put16(body, 1); // Ethernet
    put16(body + 2, TYPE_IPV4);
    body[4] = 6;
    body[5] = 4;
    put16(body + 6, is_reply ? ARP_REPLY : ARP_REQUEST);
    memcpy(body + 8, from->mac, 6);
    put32(body + 14, from->address);
    memcpy(body + 18, is_reply ? to->mac : nobody, 6);
    put32(body + 24, to->address);
}

static enum internet_kind look_at_arp(const uint8_t *frame, uint32_t length, const struct endpoint *me,
                                      struct endpoint *from) {
    const uint8_t *body = frame + ETHERNET_BYTES;
    if (length < ARP_BYTES || get16(body + 2) != TYPE_IPV4 || get32(body + 24) != me->address) return INTERNET_OTHER;
    memcpy(from->mac, body + 8, 6);
    from->address = get32(body + 14);
    switch (get16(body + 6)) {
    case ARP_REQUEST: return INTERNET_ARP_REQUEST;
    case ARP_REPLY: return INTERNET_ARP_REPLY;
    default: return INTERNET_OTHER;
    }
}

static enum internet_kind look_at_udp(const uint8_t *frame, uint32_t length, bool has_checksum,
                                      const struct endpoint *me, struct endpoint *from) {
    const uint8_t *ip = frame + IPV4_AT, *udp = frame + UDP_AT;
    if (length < UDP_PAYLOAD || ip[0] != 0x45 || ip[9] != PROTOCOL_UDP) return INTERNET_OTHER;
    if (get32(ip + 16) != me->address || get16(udp + 2) != me->port) return INTERNET_OTHER;
    memcpy(from->mac, frame + 6, 6);
    from->address = get32(ip + 12);
    from->port = (uint16_t)get16(udp);
    uint32_t udp_length = get16(udp + 4);
    if (get16(ip + 2) > length - IPV4_AT || udp_length > get16(ip + 2) - IPV4_BYTES) return INTERNET_BROKEN;
    if (internet_fold(internet_sum(ip, IPV4_BYTES, 0)) != UINT16_MAX) return INTERNET_BROKEN;
    if (!has_checksum || !get16(udp + 6)) return INTERNET_UDP;
    uint64_t sum = internet_sum(udp, udp_length, sum_pseudo_header(frame, PROTOCOL_UDP, udp_length));
    return internet_fold(sum) == UINT16_MAX ? INTERNET_UDP : INTERNET_BROKEN;
}

enum internet_kind internet_look(const uint8_t *frame, uint32_t length, bool has_checksum, const struct endpoint *me,
                                 struct endpoint *from) {
    if (length < ETHERNET_BYTES) return INTERNET_OTHER;
    switch (get16(frame + 12)) {
    case TYPE_ARP: return look_at_arp(frame, length, me, from);
    case TYPE_IPV4: return look_at_udp(frame, length, has_checksum, me, from);
    default: return INTERNET_OTHER;
    }
}

static void swap(uint8_t *left, uint8_t *right, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = left[i];
        left[i] = right[i];
        right[i] = byte;
    }
}

void internet_turn_round(uint8_t *frame) {
    swap(frame, frame + 6, 6);
    swap(frame + IPV4_AT + 12, frame + IPV4_AT + 16, 4);
    swap(frame + UDP_AT, frame + UDP_AT + 2, 2);
}

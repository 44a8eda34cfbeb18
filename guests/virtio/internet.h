// Ethernet, ARP, IPv4 and UDP, as much as an ordinary socket on the other side needs.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ETHERNET_BYTES 14
#define IPV4_BYTES 20
#define UDP_BYTES 8
#define TCP_BYTES 20
#define UDP_PAYLOAD (ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES)
#define ARP_BYTES 42

struct endpoint {
    uint8_t mac[6];
    uint32_t address; // host order
    uint16_t port;
};

// Dotted decimal. False if the text is anything else.
bool internet_address(const char *text, uint32_t *address);

// The sum of the Internet checksum, not yet folded nor inverted.
uint64_t internet_sum(const uint8_t *bytes, uint32_t length, uint64_t sum);
uint16_t internet_fold(uint64_t sum);

// Writes everything before the payload; the checksums are right for the payload that is there. Length: of the frame.
void internet_make_udp(uint8_t *frame, uint32_t length, const struct endpoint *from, const struct endpoint *to);

// A TCP segment that any host ignores silently (a reset of no connection), for the device to cut into frames: its
// checksum covers the pseudo-header only.
void internet_make_tcp(uint8_t *frame, uint32_t length, const struct endpoint *from, const struct endpoint *to);

enum internet_kind {
    INTERNET_OTHER,
    INTERNET_ARP_REQUEST, // for us
    INTERNET_ARP_REPLY,   // to us
    INTERNET_UDP,         // to us
    INTERNET_BROKEN,      // UDP to us, but a length or a checksum is wrong
};

// What a frame is, and from whom. Where the checksum is left to the device, it is not looked at.
enum internet_kind internet_look(const uint8_t *frame, uint32_t length, bool has_checksum, const struct endpoint *me,
                                 struct endpoint *from);

// An ARP frame of ARP_BYTES: a request to everybody who has to->address, or a reply to `to`.
void internet_make_arp(uint8_t *frame, bool is_reply, const struct endpoint *from, const struct endpoint *to);

// Makes an answer out of a UDP frame to us: sender and receiver change places, which no checksum notices.
void internet_turn_round(uint8_t *frame);

// The bytes every transfer and every record consists of: position N of a stream has one right value.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A word of the stream: splitmix64 of its index, so that neither a lost, a doubled nor a moved block fits.
static inline uint64_t pattern_word(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// Fills a buffer with the stream's bytes from an offset on.
static inline void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t count) {
    while (count > 0) {
        uint64_t word = pattern_word(seed, offset / 8);
        if (offset % 8 == 0 && count >= 8) { // The quick way: a word at once.
            memcpy(bytes, &word, 8);
            bytes += 8;
            offset += 8;
            count -= 8;
            continue;
        }
        size_t skip = offset % 8, part = 8 - skip < count ? 8 - skip : count;
        memcpy(bytes, (const uint8_t *)&word + skip, part);
        bytes += part;
        offset += part;
        count -= part;
    }
}

// How many of the bytes are the stream's from that offset on.
static inline size_t pattern_match(uint64_t seed, uint64_t offset, const uint8_t *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        uint64_t word = pattern_word(seed, (offset + done) / 8);
        const uint8_t *right = (const uint8_t *)&word;
        if ((offset + done) % 8 == 0 && count - done >= 8 && memcmp(bytes + done, right, 8) == 0) {
            done += 8;
            continue;
        }
        size_t skip = (offset + done) % 8;
        for (; skip < 8 && done < count; skip++, done++)
            if (bytes[done] != right[skip]) return done;
    }
    return done;
}

// A checksum that does not depend on how a stream is cut into pieces: FNV-1a over 8-byte words, and the rest bytewise.
struct checksum {
    uint64_t value;
    uint64_t pending;
    unsigned pending_count;
};

static inline struct checksum checksum_start(void) {
    return (struct checksum){.value = 0xcbf29ce484222325};
}

static inline void checksum_add(struct checksum *sum, const uint8_t *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        if (sum->pending_count == 0 && count - done >= 8) {
            uint64_t word;
            memcpy(&word, bytes + done, 8);
            sum->value = (sum->value ^ word) * 0x100000001b3;
            done += 8;
            continue;
        }
        sum->pending |= (uint64_t)bytes[done++] << 8 * sum->pending_count;
        if (++sum->pending_count == 8) {
            sum->value = (sum->value ^ sum->pending) * 0x100000001b3;
            sum->pending = 0;
            sum->pending_count = 0;
        }
    }
}

static inline uint64_t checksum_end(struct checksum sum) {
    return sum.pending_count > 0 ? (sum.value ^ sum.pending) * 0x100000001b3 : sum.value;
}

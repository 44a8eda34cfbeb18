// Takes random bytes from the entropy device and sees whether they could be random: as many ones as zeros in each bit
// of a byte, within six standard deviations, and no piece of 16 bytes twice in a row.
#include <stdbool.h>

#include "arguments.h"
#include "console.h"
#include "machine.h"
#include "pool.h"
#include "processor.h"
#include "queue.h"
#include "text.h"
#include "time.h"

#define PIECE_BYTES 16

static const char *const ways_to_wait[] = {"interrupt", "poll", NULL};

static uint64_t wanted = 1 << 16, request_bytes = 4096, number;
static const char *wait = "interrupt";

static bool is_even(const uint8_t *bytes, uint64_t count) {
    for (unsigned bit = 0; bit < 8; bit++) {
        int64_t balance = 0;
        for (uint64_t i = 0; i < count; i++) balance += bytes[i] >> bit & 1 ? 1 : -1;
        // The variance of the balance is the count.
        if (balance * balance <= 36 * (int64_t)count) continue;
        print("rngcheck: bit %u of %lu bytes is off by %ld\n", bit, count, balance);
        return false;
    }
    return true;
}

static bool repeats(const uint8_t *bytes, uint64_t count) {
    for (uint64_t i = PIECE_BYTES; i + PIECE_BYTES <= count; i += PIECE_BYTES) {
        if (memcmp(bytes + i, bytes + i - PIECE_BYTES, PIECE_BYTES)) continue;
        print("rngcheck: the %u bytes at %lu are those before\n", PIECE_BYTES, i);
        return true;
    }
    return false;
}

int program(void) {
    const struct parameter parameters[] = {
        NUMBER_UP_TO("bytes", &wanted, 64 << 20),
        NUMBER_UP_TO("request", &request_bytes, 64 << 20),
        NUMBER("device", &number),
        TEXT("wait", &wait, ways_to_wait),
    };
    ARGUMENTS_READ(parameters);
    if (!request_bytes || wanted < PIECE_BYTES) return EXIT_USAGE;

    struct virtio_device *device = virtio_find(VIRTIO_ENTROPY, (unsigned)number);
    virtio_open(device, VIRTIO_EVENT_INDEX);
    static struct virtio_queue queue;
    struct virtio_queue_settings settings = {.is_polled = text_equal(wait, "poll")};
    if (!queue_make(&queue, device, 0, settings)) return EXIT_UNAVAILABLE;
    uint8_t *bytes = pool_take(wanted);
    virtio_start(device);

    uint64_t start = read_tsc(), requests = 0;
    for (uint64_t got = 0; got < wanted; requests++) {
        uint64_t left = wanted - got;
        struct virtio_part part = {bytes + got, (uint32_t)(left < request_bytes ? left : request_bytes)};
        queue_add(&queue, &part, 0, 1, 0);
        queue_notify(&queue);
        queue_wait(&queue, 0);
        uint16_t token;
        uint32_t written = 0;
        queue_take(&queue, &token, &written);
        if (!written || written > part.length) {
            print("rngcheck: %u bytes of %u\n", written, part.length);
            return EXIT_FAILED;
        }
        got += written;
    }
    uint64_t microseconds = time_cycles_to_nanoseconds(read_tsc() - start) / 1000 + 1;
    bool is_right = is_even(bytes, wanted) && !repeats(bytes, wanted);
    print("rng bytes=%lu requests=%lu seconds=%lu.%06lu mib_per_s=%lu verify=%s\n", wanted, requests,
          microseconds / 1000000, microseconds % 1000000, (wanted * 1000000 / microseconds) >> 20,
          is_right ? "ok" : "failed");
    return is_right ? EXIT_SUCCESS_CODE : EXIT_FAILED;
}

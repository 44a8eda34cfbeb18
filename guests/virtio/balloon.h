// A virtio memory balloon (virtio 1.2, 5.5) in which every request gets its turn before the next one.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define BALLOON_STATISTICS VIRTIO_FEATURE(1)
#define BALLOON_DEFLATE_ON_OOM VIRTIO_FEATURE(2)
#define BALLOON_FREE_PAGE_HINT VIRTIO_FEATURE(3)
#define BALLOON_REPORTING VIRTIO_FEATURE(5)

#define BALLOON_PAGE_SHIFT 12
#define BALLOON_LARGEST_BATCH (1 << 18) // page numbers of a GiB

struct balloon {
    struct virtio_device *device;
    struct virtio_queue inflate, deflate, statistics, reporting;
    uint32_t *pages; // room for a batch
    uint32_t batch;
    bool has_statistics, can_report;
    struct balloon_statistic {
        uint16_t tag;
        uint64_t value;
    } __attribute__((packed)) *answer;
    uint64_t answers;
};

// So many page numbers go into one request at the most.
void balloon_open(struct balloon *balloon, unsigned number, uint64_t features, uint32_t batch);

// Pages the host wants to have.
uint32_t balloon_target(const struct balloon *balloon);

// Tells the host how many it has.
void balloon_set_actual(const struct balloon *balloon, uint32_t pages);

// Gives the pages in `pages` to the host, or takes them back, and waits until the device is done.
void balloon_exchange(struct balloon *balloon, bool is_inflating, uint32_t count);

// Offers the host pages that are not in use, as ranges, and waits until it gives them back.
void balloon_report_free(struct balloon *balloon, uint64_t start, uint64_t bytes, uint64_t range_bytes);

// Answers the host's question for statistics if there is one.
void balloon_answer(struct balloon *balloon, uint64_t free_bytes, uint64_t total_bytes);

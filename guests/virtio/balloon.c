#include "balloon.h"

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "pool.h"

#define CONFIGURATION_TARGET (VIRTIO_CONFIGURATION + 0)
#define CONFIGURATION_ACTUAL (VIRTIO_CONFIGURATION + 4)

#define TAG_FREE 4
#define TAG_TOTAL 5
#define STATISTIC_COUNT 2
#define RANGES_PER_REPORT 32 // as many as Linux puts into one

// Queues the device has not are left out of the numbering.
void balloon_open(struct balloon *balloon, unsigned number, uint64_t features, uint32_t batch) {
    struct virtio_device *device = virtio_find(VIRTIO_BALLOON, number);
    *balloon = (struct balloon){.device = device, .batch = batch};
    virtio_open(device, features | VIRTIO_INDIRECT | VIRTIO_EVENT_INDEX);
    struct virtio_queue_settings settings = {.table_size = RANGES_PER_REPORT};
    balloon->has_statistics = virtio_has(device, BALLOON_STATISTICS);
    balloon->can_report = virtio_has(device, BALLOON_REPORTING);
    uint16_t next = 0;
    bool is_there = queue_make(&balloon->inflate, device, next++, settings);
    is_there = is_there && queue_make(&balloon->deflate, device, next++, settings);
    if (balloon->has_statistics) is_there = is_there && queue_make(&balloon->statistics, device, next++, settings);
    if (balloon->can_report) is_there = is_there && queue_make(&balloon->reporting, device, next++, settings);
    if (!is_there) {
        print("balloon: a queue is missing\n");
        machine_exit(EXIT_UNAVAILABLE);
    }
    balloon->pages = pool_take(sizeof *balloon->pages * batch);
    balloon->answer = pool_take(sizeof *balloon->answer * STATISTIC_COUNT);
    virtio_start(device);
    if (!balloon->has_statistics) return;
    // The first answer is given unasked; the device keeps it until it wants the next.
    balloon->answer[0] = (struct balloon_statistic){TAG_FREE, 0};
    balloon->answer[1] = (struct balloon_statistic){TAG_TOTAL, machine_memory_bytes()};
    struct virtio_part part = {balloon->answer, sizeof *balloon->answer * STATISTIC_COUNT};
    queue_add(&balloon->statistics, &part, 1, 0, 0);
    queue_arm(&balloon->statistics, 0);
    queue_notify(&balloon->statistics);
}

uint32_t balloon_target(const struct balloon *balloon) {
    return virtio_read(balloon->device, CONFIGURATION_TARGET);
}

void balloon_set_actual(const struct balloon *balloon, uint32_t pages) {
    virtio_write(balloon->device, CONFIGURATION_ACTUAL, pages);
}

static void finish(struct virtio_queue *queue) {
    uint16_t token;
    uint32_t written;
    queue_notify(queue);
    queue_wait(queue, 0);
    queue_take(queue, &token, &written);
}

void balloon_exchange(struct balloon *balloon, bool is_inflating, uint32_t count) {
    struct virtio_queue *queue = is_inflating ? &balloon->inflate : &balloon->deflate;
    struct virtio_part part = {balloon->pages, count * (uint32_t)sizeof *balloon->pages};
    queue_add(queue, &part, 1, 0, 0);
    finish(queue);
}

void balloon_report_free(struct balloon *balloon, uint64_t start, uint64_t bytes, uint64_t range_bytes) {
    uint64_t end = start + bytes;
    while (start < end) {
        struct virtio_part parts[RANGES_PER_REPORT];
        unsigned count = 0;
        for (; count < RANGES_PER_REPORT && start < end; start += parts[count++].length) {
            uint64_t length = end - start < range_bytes ? end - start : range_bytes;
            parts[count] = (struct virtio_part){(const void *)start, (uint32_t)length};
        }
        // The device may write to them: that is what giving them away means.
        queue_add(&balloon->reporting, parts, 0, count, 0);
        finish(&balloon->reporting);
    }
}

void balloon_answer(struct balloon *balloon, uint64_t free_bytes, uint64_t total_bytes) {
    uint16_t token;
    uint32_t written;
    if (!balloon->has_statistics || !queue_take(&balloon->statistics, &token, &written)) return;
    balloon->answer[0].value = free_bytes;
    balloon->answer[1].value = total_bytes;
    struct virtio_part part = {balloon->answer, sizeof *balloon->answer * STATISTIC_COUNT};
    queue_add(&balloon->statistics, &part, 1, 0, 0);
    queue_arm(&balloon->statistics, 0);
    queue_notify(&balloon->statistics);
    balloon->answers++;
}

// Reads and writes a disk as fast as it goes, so many requests at a time; on demand with contents that tell whether
// every sector holds what was last written to it. Or at a given rate, whether or not the disk keeps up.
#include "arguments.h"
#include "console.h"
#include "disk.h"
#include "histogram.h"
#include "machine.h"
#include "pool.h"
#include "processor.h"
#include "random.h"
#include "text.h"
#include "time.h"

#define MAX_BLOCK_BYTES (16 << 20)
#define UNDER_WAY (1ULL << 63)

static const char *const operations[] = {"randread", "seqread", "randwrite", "seqwrite", "flush", NULL};
static const char *const switches[] = {"on", "off", NULL};
static const char *const ways_to_wait[] = {"interrupt", "poll", NULL};

static const char *operation_name = "randread", *indirect = "on", *event = "on", *wait = "interrupt", *verify = "off";
static uint64_t block_bytes = 4096, depth = 1, milliseconds = 2000, ops_wanted, part_bytes, span_mib, number, seed = 1, rate;

static struct disk disk;
static uint64_t block_count, next_block;
static struct random numbers;
static bool is_random, is_verifying;
static uint64_t *stamps; // of each block, when verifying: the last one written
static uint64_t stamp_count;
static uint64_t latency_total, latency_longest;
static uint64_t phase_ops;
static struct histogram latencies;
static uint64_t offered, refused, most_under_way;

static bool is_on(const char *text) {
    return text_equal(text, "on");
}

static uint64_t choose_block(void) {
    for (;;) {
        uint64_t block = is_random ? random_below(&numbers, block_count) : next_block++ % block_count;
        if (!stamps || !(stamps[block] & UNDER_WAY)) return block;
    }
}

static void start(unsigned slot, enum disk_operation operation) {
    struct disk_slot *place = &disk.slots[slot];
    uint64_t sectors = block_bytes / SECTOR_BYTES;
    if (operation == DISK_FLUSH) {
        disk_start(&disk, slot, operation, 0, 0);
    } else {
        place->block = choose_block();
        uint64_t sector = place->block * sectors;
        if (stamps && operation == DISK_WRITE) {
            uint64_t stamp = ++stamp_count;
            for (uint64_t i = 0; i < sectors; i++) {
                disk_fill_sector(place->buffer + i * SECTOR_BYTES, sector + i, stamp);
            }
            stamps[place->block] = stamp;
        } else if (is_verifying && operation == DISK_READ) {
            for (uint64_t i = 0; i < sectors; i++) memset(place->buffer + i * SECTOR_BYTES, 0xee, SECTOR_BYTES);
        }
        if (stamps) stamps[place->block] |= UNDER_WAY;
        disk_start(&disk, slot, operation, sector, (uint32_t)block_bytes);
    }
    place->started = read_tsc();
}

static bool finish(unsigned slot, enum disk_operation operation, uint32_t written) {
    struct disk_slot *place = &disk.slots[slot];
    uint64_t cycles = read_tsc() - place->started;
    latency_total += cycles;
    if (cycles > latency_longest) latency_longest = cycles;
    if (*place->status != DISK_OK) {
        print("blockbench: block %lu: status %u\n", place->block, *place->status);
        return false;
    }
    uint32_t expected = 1 + (operation == DISK_READ ? (uint32_t)block_bytes : 0);
    if (written != expected) {
        print("blockbench: block %lu: %u bytes were written, expected %u\n", place->block, written, expected);
        return false;
    }
    if (!stamps || operation == DISK_FLUSH) return true;
    stamps[place->block] &= ~UNDER_WAY;
    if (operation != DISK_READ) return true;
    uint64_t sectors = block_bytes / SECTOR_BYTES;
    for (uint64_t i = 0; i < sectors; i++) {
        uint64_t sector = place->block * sectors + i;
        if (!disk_check_sector(place->buffer + i * SECTOR_BYTES, sector, stamps[place->block])) return false;
    }
    return true;
}

// Keeps `depth` requests under way until so many were begun (0: any number) and the time is over (0: no end). Returns
// the cycles it took, 0 upon an error.
static uint64_t run(enum disk_operation operation, uint64_t count, uint64_t cycles) {
    uint64_t begun = 0, finished = 0, first = read_tsc(), now = first;
    bool is_over = false;
    for (unsigned slot = 0; slot < depth && !(count && begun == count); slot++, begun++) start(slot, operation);
    while (finished < begun) {
        queue_notify(&disk.queue);
        queue_wait(&disk.queue, 0);
        uint16_t slot;
        uint32_t written;
        while (queue_take(&disk.queue, &slot, &written)) {
            if (!finish(slot, operation, written)) return 0;
            finished++;
            now = read_tsc();
            is_over = is_over || (count && begun == count) || (cycles && now - first >= cycles);
            if (is_over) continue;
            start(slot, operation);
            begun++;
        }
    }
    phase_ops = finished;
    return now - first;
}

// Begins `rate` requests a second, each when it is due; one that finds no free slot is refused, and costs nothing. The
// time of each counts from when it was due. Spins. Returns the cycles until the time was over, 0 upon an error.
static uint64_t run_at_rate(enum disk_operation operation, uint64_t cycles) {
    uint16_t *free_slots = pool_take(sizeof *free_slots * depth);
    uint64_t free_count = depth, second = time_tsc_khz() * 1000, within_second = 0;
    for (uint64_t slot = 0; slot < depth; slot++) free_slots[slot] = (uint16_t)slot;
    uint64_t first = read_tsc(), base = first, due = first, now = first;
    bool was_over = false;
    do {
        for (; due <= now && due - first < cycles; due = base + within_second * second / rate) {
            offered++;
            if (free_count) {
                unsigned slot = free_slots[--free_count];
                start(slot, operation);
                disk.slots[slot].started = due;
                if (depth - free_count > most_under_way) most_under_way = depth - free_count;
            } else {
                refused++;
            }
            if (++within_second == rate) base += second, within_second = 0;
        }
        queue_notify(&disk.queue);
        uint16_t slot;
        uint32_t written;
        while (queue_take(&disk.queue, &slot, &written)) {
            histogram_add(&latencies, read_tsc() - disk.slots[slot].started);
            if (!finish(slot, operation, written)) return 0;
            if (now - first < cycles) phase_ops++;
            free_slots[free_count++] = slot;
        }
        // The last look comes after the end: all that was due has been counted then.
        was_over = now - first >= cycles;
        now = read_tsc();
    } while (!was_over || free_count < depth);
    return cycles;
}

static uint64_t nanoseconds_of(unsigned thousandths) {
    return time_cycles_to_nanoseconds(histogram_percentile(&latencies, thousandths));
}

// The whole span, in order.
static bool sweep(enum disk_operation operation) {
    bool was_random = is_random;
    is_random = false;
    next_block = 0;
    bool is_right = run(operation, block_count, 0) != 0;
    is_random = was_random;
    next_block = 0;
    return is_right;
}

static void report(uint64_t cycles, uint64_t notifications, uint64_t interrupts) {
    uint64_t microseconds = time_cycles_to_nanoseconds(cycles) / 1000;
    if (!microseconds) microseconds = 1;
    uint64_t bytes = text_equal(operation_name, "flush") ? 0 : block_bytes;
    uint64_t per_second = phase_ops * 1000000 / microseconds;
    print("block %s bs=%lu depth=%lu ops=%lu seconds=%lu.%06lu iops=%lu mib_per_s=%lu mean_us=%lu max_us=%lu "
          "kicks=%lu interrupts=%lu indirect=%s event=%s wait=%s verify=%s\n",
          operation_name, bytes, depth, phase_ops, microseconds / 1000000, microseconds % 1000000, per_second,
          phase_ops * (bytes >> 9) * 1000 / 2048 / (microseconds / 1000 + 1),
          time_cycles_to_nanoseconds(latency_total / phase_ops) / 1000,
          time_cycles_to_nanoseconds(latency_longest) / 1000, notifications, interrupts,
          virtio_has(disk.device, VIRTIO_INDIRECT) ? "on" : "off",
          virtio_has(disk.device, VIRTIO_EVENT_INDEX) ? "on" : "off", wait, is_verifying ? "ok" : "off");
}

static int measure(enum disk_operation operation) {
    if (is_verifying && !sweep(DISK_WRITE)) return EXIT_FAILED;
    latency_total = latency_longest = 0;
    uint64_t notifications = disk.queue.notifications, interrupts = *virtio_interrupts(disk.device);
    print("block start\n");
    uint64_t time = time_microseconds_to_cycles(milliseconds * 1000);
    phase_ops = 0;
    uint64_t cycles = rate ? run_at_rate(operation, time) : run(operation, ops_wanted, ops_wanted ? 0 : time);
    if (!cycles) return EXIT_FAILED;
    uint64_t ops = phase_ops, total = latency_total;
    notifications = disk.queue.notifications - notifications;
    interrupts = *virtio_interrupts(disk.device) - interrupts;
    uint64_t longest = latency_longest;
    if (is_verifying && !sweep(DISK_READ)) return EXIT_FAILED;
    phase_ops = ops;
    latency_total = total;
    latency_longest = longest;
    if (rate) {
        print("rate=%lu offered=%lu refused=%lu under_way=%lu p50_ns=%lu p90_ns=%lu p99_ns=%lu\n", rate, offered, refused,
              most_under_way, nanoseconds_of(500), nanoseconds_of(900), nanoseconds_of(990));
    }
    if (!phase_ops) phase_ops = 1;
    report(cycles, notifications, interrupts);
    return EXIT_SUCCESS_CODE;
}

int program(void) {
    const struct parameter parameters[] = {
        TEXT("op", &operation_name, operations),
        NUMBER_UP_TO("bs", &block_bytes, MAX_BLOCK_BYTES),
        NUMBER_UP_TO("depth", &depth, 1024),
        NUMBER_UP_TO("ms", &milliseconds, 3600000),
        NUMBER("ops", &ops_wanted),
        NUMBER_UP_TO("part", &part_bytes, MAX_BLOCK_BYTES),
        NUMBER("span", &span_mib),
        NUMBER("device", &number),
        NUMBER("seed", &seed),
        NUMBER_UP_TO("rate", &rate, 100000000),
        TEXT("indirect", &indirect, switches),
        TEXT("event", &event, switches),
        TEXT("wait", &wait, ways_to_wait),
        TEXT("verify", &verify, switches),
    };
    ARGUMENTS_READ(parameters);
    if (!block_bytes || block_bytes % SECTOR_BYTES || !depth) {
        print("blockbench: blocks are of whole sectors of %u bytes, and at least one is under way\n", SECTOR_BYTES);
        return EXIT_USAGE;
    }
    disk_open(&disk, (struct disk_settings){
                         .number = (unsigned)number,
                         .slots = (unsigned)depth,
                         .buffer_bytes = (uint32_t)block_bytes,
                         .part_bytes = (uint32_t)part_bytes,
                         .is_indirect = is_on(indirect),
                         .is_polled = rate || text_equal(wait, "poll"),
                         .has_event_index = is_on(event),
                     });
    uint64_t sectors = disk.sectors;
    if (span_mib && span_mib << 11 < sectors) sectors = span_mib << 11;
    block_count = sectors / (block_bytes / SECTOR_BYTES);
    if (block_count < depth) {
        print("blockbench: %lu sectors are too few\n", sectors);
        return EXIT_USAGE;
    }
    numbers = random_from(seed);
    is_random = !memcmp(operation_name, "rand", 4);
    is_verifying = is_on(verify);
    if (is_verifying) stamps = pool_take(sizeof *stamps * block_count);
    size_t length = text_length(operation_name);
    if (text_equal(operation_name, "flush")) return measure(DISK_FLUSH);
    return measure(text_equal(operation_name + length - 4, "read") ? DISK_READ : DISK_WRITE);
}

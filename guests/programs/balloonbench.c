// A balloon that follows the host's wishes, and says how long each took. Its pages were used before, so that the host
// has something to gain.
#include "arguments.h"
#include "balloon.h"
#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "memory.h"
#include "pool.h"
#include "processor.h"
#include "random.h"
#include "text.h"
#include "time.h"

static const char *const orders[] = {"up", "down", "random", NULL};
static const char *const switches[] = {"on", "off", NULL};

static const char *order = "up", *touch = "on", *verify = "on", *statistics = "on", *reporting = "on";
static uint64_t batch = 256, rounds = 2, report_mib, range_kib = 4096, number, seed = 1;

static struct balloon balloon;
static uint64_t first_page, page_count; // that may be given away
static uint32_t *pages;                 // in the order in which they go; the first `given` are the host's
static uint32_t given;
static uint64_t requests;

static bool is_on(const char *text) {
    return text_equal(text, "on");
}

static uint64_t mark_of(uint64_t page) {
    return page * 0x9e3779b97f4a7c15;
}

static volatile uint64_t *word_of(uint64_t page) {
    return (volatile uint64_t *)(page << BALLOON_PAGE_SHIFT);
}

static void touch_pages(void) {
    for (uint64_t i = 0; i < page_count; i++) *word_of(first_page + i) = mark_of(first_page + i);
}

// Pages that stayed with the guest must be as they were; those that were the host's may hold zeros.
static bool verify_pages(uint32_t returned) {
    for (uint64_t i = given; i < page_count; i++) {
        uint64_t found = *word_of(pages[i]);
        if (found == mark_of(pages[i]) || (i < returned && !found)) continue;
        print("balloonbench: page 0x%x holds 0x%lx, expected 0x%lx\n", pages[i], found, mark_of(pages[i]));
        return false;
    }
    for (uint64_t i = given; i < returned; i++) *word_of(pages[i]) = mark_of(pages[i]);
    return true;
}

static void put_in_order(void) {
    for (uint64_t i = 0; i < page_count; i++) {
        pages[i] = (uint32_t)(text_equal(order, "down") ? first_page + page_count - 1 - i : first_page + i);
    }
    if (!text_equal(order, "random")) return;
    struct random numbers = random_from(seed);
    for (uint64_t i = page_count - 1; i; i--) {
        uint64_t other = random_below(&numbers, i + 1);
        uint32_t page = pages[i];
        pages[i] = pages[other];
        pages[other] = page;
    }
}

static void move_to(uint32_t target) {
    while (given != target) {
        bool is_inflating = given < target;
        uint32_t count = is_inflating ? target - given : given - target;
        if (count > balloon.batch) count = balloon.batch;
        if (!is_inflating) given -= count;
        for (uint32_t i = 0; i < count; i++) balloon.pages[i] = pages[given + i];
        if (is_inflating) given += count;
        balloon_exchange(&balloon, is_inflating, count);
        balloon_answer(&balloon, (page_count - given) << BALLOON_PAGE_SHIFT, machine_memory_bytes());
        requests++;
    }
}

static void say(const char *what, uint64_t moved, uint64_t cycles) {
    uint64_t microseconds = time_cycles_to_nanoseconds(cycles) / 1000;
    print("balloon %s pages=%lu actual=%u seconds=%lu.%06lu ms_per_gib=%lu requests=%lu batch=%lu order=%s "
          "interrupts=%lu answers=%lu\n",
          what, moved, given, microseconds / 1000000, microseconds % 1000000,
          moved ? (microseconds << (30 - BALLOON_PAGE_SHIFT)) / moved / 1000 : 0, requests, batch, order,
          *virtio_interrupts(balloon.device), balloon.answers);
}

// Follows one wish. False if memory was harmed.
static bool follow(uint32_t target) {
    if (target > page_count) target = (uint32_t)page_count;
    uint32_t before = given;
    requests = 0;
    uint64_t start = read_tsc();
    move_to(target);
    balloon_set_actual(&balloon, given);
    uint64_t cycles = read_tsc() - start;
    bool is_right = !is_on(verify) || verify_pages(before > given ? before : given);
    say(given > before ? "inflate" : "deflate", given > before ? given - before : before - given, cycles);
    return is_right;
}

static void report_free(void) {
    uint64_t bytes = report_mib << 20, start = (first_page + given) << BALLOON_PAGE_SHIFT;
    if (bytes > (page_count - given) << BALLOON_PAGE_SHIFT) bytes = (page_count - given) << BALLOON_PAGE_SHIFT;
    uint64_t before = read_tsc();
    balloon_report_free(&balloon, start, bytes, range_kib << 10);
    requests = balloon.reporting.notifications;
    say("report", bytes >> BALLOON_PAGE_SHIFT, read_tsc() - before);
    for (uint64_t i = 0; i < bytes >> BALLOON_PAGE_SHIFT; i++) {
        uint64_t page = (start >> BALLOON_PAGE_SHIFT) + i;
        *word_of(page) = mark_of(page);
    }
}

// Halts until the device has something: a new wish, or a question.
static void wait_for_interrupt(uint64_t seen) {
    interrupts_halt_until(virtio_interrupts(balloon.device), seen + 1);
}

int program(void) {
    const struct parameter parameters[] = {
        NUMBER_UP_TO("batch", &batch, BALLOON_LARGEST_BATCH),
        NUMBER("rounds", &rounds),
        NUMBER("report", &report_mib),
        NUMBER_UP_TO("range", &range_kib, 2 << 20),
        NUMBER("device", &number),
        NUMBER("seed", &seed),
        TEXT("order", &order, orders),
        TEXT("touch", &touch, switches),
        TEXT("verify", &verify, switches),
        TEXT("statistics", &statistics, switches),
        TEXT("reporting", &reporting, switches),
    };
    ARGUMENTS_READ(parameters);
    if (!batch || !range_kib || range_kib % 4) {
        print("balloonbench: a batch is at least one page, a range of whole ones\n");
        return EXIT_USAGE;
    }
    balloon_open(&balloon, (unsigned)number,
                 BALLOON_DEFLATE_ON_OOM | (is_on(statistics) ? BALLOON_STATISTICS : 0) |
                     (is_on(reporting) ? BALLOON_REPORTING : 0),
                 (uint32_t)batch);
    pages = pool_take(sizeof *pages * (machine_memory_bytes() >> BALLOON_PAGE_SHIFT));
    uint64_t start;
    page_count = pool_take_rest(&start) >> BALLOON_PAGE_SHIFT;
    first_page = start >> BALLOON_PAGE_SHIFT;
    put_in_order();
    if (is_on(touch) || is_on(verify)) touch_pages();
    if (report_mib && !balloon.can_report) {
        print("balloonbench: the device takes no reports of free pages\n");
        return EXIT_UNAVAILABLE;
    }
    print("balloon ready pages=%lu features=0x%lx\n", page_count, balloon.device->features);
    if (report_mib && text_equal(order, "up")) report_free();

    for (uint64_t round = 0; round < rounds;) {
        uint64_t seen = *virtio_interrupts(balloon.device);
        balloon_answer(&balloon, (page_count - given) << BALLOON_PAGE_SHIFT, machine_memory_bytes());
        uint32_t target = balloon_target(&balloon);
        if (target == given || (target > page_count && given == page_count)) {
            wait_for_interrupt(seen);
            continue;
        }
        if (!follow(target)) return EXIT_FAILED;
        round++;
    }
    return EXIT_SUCCESS_CODE;
}

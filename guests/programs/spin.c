// Every processor counts in ring 3, as fast as it can; cpu 0 tells how far they got. Interrupts play no part.
#include "arguments.h"
#include "console.h"
#include "cpus.h"
#include "layout.h"
#include "machine.h"
#include "processor.h"
#include "time.h"

#define COUNTS_PER_LOOK 4096
#define START_TIMEOUT_MICROSECONDS 10000000

static struct {
    volatile uint64_t count;
} __attribute__((aligned(128))) counters[MAX_CPUS];

static uint64_t reported[MAX_CPUS];

// The additions depend on one another, one a cycle, and the barrier keeps the compiler from adding them up.
static inline void count_some(unsigned cpu) {
    uint64_t count = counters[cpu].count;
    for (unsigned i = 0; i < COUNTS_PER_LOOK; i++) {
        count++;
        __asm__ volatile("" : "+r"(count));
    }
    counters[cpu].count = count;
}

static void count_for_ever(unsigned cpu) {
    for (;;) count_some(cpu);
}

// The second half of a line, whose first names whom it is about.
static void print_progress(uint64_t elapsed, uint64_t count, uint64_t counted, uint64_t interval) {
    uint64_t milliseconds = time_cycles_to_nanoseconds(elapsed) / 1000000;
    uint64_t microseconds = time_cycles_to_nanoseconds(interval) / 1000;
    print(" seconds=%lu.%03lu count=%lu rate=%lu/s\n", milliseconds / 1000, milliseconds % 1000, count,
          microseconds ? counted * 1000 / microseconds * 1000 : 0);
}

static void print_cpu(unsigned cpu, uint64_t elapsed, uint64_t interval) {
    uint64_t count = counters[cpu].count;
    print("spin cpu=%u", cpu);
    print_progress(elapsed, count, count - reported[cpu], interval);
    reported[cpu] = count;
}

int program(void) {
    uint64_t interval_milliseconds = 1000, intervals = 0, wanted = 0;
    const struct parameter parameters[] = {
        NUMBER_UP_TO("interval", &interval_milliseconds, 1000000000),
        NUMBER("count", &intervals),
        NUMBER_UP_TO("cpus", &wanted, MAX_CPUS),
    };
    ARGUMENTS_READ(parameters);

    unsigned present = 1, online = 1;
    if (wanted != 1) {
        present = cpus_find();
        if (wanted && wanted < present) present = (unsigned)wanted;
        if (wanted > present) print("note: %lu processors wanted, %u present\n", wanted, present);
        online = cpus_start(present, START_TIMEOUT_MICROSECONDS);
        if (online < present) {
            print("spin: time-out, %u of %u processors online\n", online, present);
            return EXIT_FAILED;
        }
    }

    uint64_t interval = time_microseconds_to_cycles(interval_milliseconds * 1000);
    cpus_run(online, count_for_ever);
    uint64_t start = read_tsc(), last = start;
    for (uint64_t done = 0; !intervals || done < intervals; done++) {
        uint64_t now;
        do {
            count_some(0);
            now = read_tsc();
        } while (now - last < interval);
        for (unsigned cpu = 0; cpu < online; cpu++) print_cpu(cpu, now - start, now - last);
        last = now;
    }

    uint64_t total = 0;
    for (unsigned cpu = 0; cpu < online; cpu++) total += reported[cpu];
    print("spin total");
    print_progress(last - start, total, total, last - start);
    return EXIT_SUCCESS_CODE;
}

// Starts every processor, lets all of them add to one counter, and sends each an interrupt that it answers.
#include <stdbool.h>

#include "arguments.h"
#include "console.h"
#include "cpus.h"
#include "interrupts.h"
#include "layout.h"
#include "machine.h"
#include "processor.h"
#include "time.h"

#define ADDITIONS_PER_CPU 10000

static volatile uint64_t shared_counter, cpus_done;
static volatile bool has_checked_in[MAX_CPUS];
static uint64_t timeout_milliseconds = 5000;

static void add_and_check_in(unsigned cpu) {
    for (unsigned i = 0; i < ADDITIONS_PER_CPU; i++) __atomic_fetch_add(&shared_counter, 1, __ATOMIC_SEQ_CST);
    has_checked_in[cpu] = true;
    __atomic_fetch_add(&cpus_done, 1, __ATOMIC_SEQ_CST);
}

static void answer_interrupt(unsigned cpu) {
    (void)cpu; // that this task runs at all is due to the interrupt that woke the processor
    cpus_interrupt(0);
}

static bool wait_for(volatile uint64_t *counter, uint64_t number) {
    uint64_t start = read_tsc(), timeout = time_microseconds_to_cycles(timeout_milliseconds * 1000);
    while (*counter < number) {
        if (read_tsc() - start > timeout) return false;
        spin_hint();
    }
    return true;
}

// Sends an interrupt to one processor and waits for its answer; cpu 0 interrupts itself.
static bool exchange_interrupts(unsigned cpu, uint64_t *microseconds) {
    volatile uint64_t *received = interrupt_count(0, VECTOR_IPI);
    uint64_t expected = *received + 1, start = read_tsc();
    if (cpu == 0) {
        cpus_interrupt(0);
    } else {
        cpus_run_one(cpu, answer_interrupt);
    }
    bool is_answered = wait_for(received, expected);
    *microseconds = time_cycles_to_nanoseconds(read_tsc() - start) / 1000;
    return is_answered;
}

int program(void) {
    uint64_t wanted = 0;
    const struct parameter parameters[] = {
        NUMBER_UP_TO("cpus", &wanted, MAX_CPUS),
        NUMBER_UP_TO("timeout", &timeout_milliseconds, 1000000),
    };
    ARGUMENTS_READ(parameters);

    unsigned present = cpus_find(), count = wanted ? (unsigned)wanted : present;
    unsigned startable = count < present ? count : present;
    if (count > present) print("smp: %u processors wanted, %u in the MADT\n", count, present);
    uint64_t start = read_tsc();
    unsigned online = cpus_start(startable, timeout_milliseconds * 1000);
    uint64_t start_microseconds = time_cycles_to_nanoseconds(read_tsc() - start) / 1000;

    cpus_run(startable, add_and_check_in);
    add_and_check_in(0);
    bool all_done = wait_for(&cpus_done, online);

    bool all_answered = true;
    for (unsigned cpu = 0; cpu < startable; cpu++) {
        if (!cpus_is_online(cpu) || !has_checked_in[cpu]) {
            print("smp cpu=%u apic=%u %s\n", cpu, cpus_apic_id(cpu),
                  cpus_is_online(cpu) ? "time-out: did not check in" : "time-out: offline");
            continue;
        }
        uint64_t microseconds;
        bool is_answered = exchange_interrupts(cpu, &microseconds);
        all_answered &= is_answered;
        print("smp cpu=%u apic=%u online ipi=%s round_trip_us=%lu\n", cpu, cpus_apic_id(cpu),
              is_answered ? "ok" : "time-out", microseconds);
    }

    bool is_sum_right = shared_counter == (uint64_t)online * ADDITIONS_PER_CPU;
    print("smp: counter %lu of %lu, started in %lu us\n", shared_counter, (uint64_t)online * ADDITIONS_PER_CPU,
          start_microseconds);
    print("smp: %u of %u online\n", online, count);
    return online == count && all_done && all_answered && is_sum_right ? EXIT_SUCCESS_CODE : EXIT_FAILED;
}

// The timer of the local APIC in its modes, into busy ring 3 and out of a halt; then bytes received by interrupt.
#include "apic.h"
#include "arguments.h"
#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "msr.h"
#include "processor.h"
#include "ring0.h"
#include "serial.h"
#include "time.h"

#define CPUID_TSC_DEADLINE (1u << 24) // leaf 1, ECX
#define MSR_TSC_DEADLINE 0x6e0
#define DIVIDE_BY_1 0xb
#define CALIBRATION_MICROSECONDS 10000

static uint64_t ticks = 20, rate = 100, echo_bytes;

// How fast the timer counts, by the TSC, in counts a second.
static uint64_t measure_timer(void) {
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_TIMER_ENTRY, APIC_ENTRY_MASKED | VECTOR_TIMER);
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    uint64_t start = read_tsc();
    uint32_t first = apic_read(APIC_TIMER_CURRENT);
    time_wait_microseconds(CALIBRATION_MICROSECONDS);
    uint32_t second = apic_read(APIC_TIMER_CURRENT);
    uint64_t nanoseconds = time_cycles_to_nanoseconds(read_tsc() - start);
    apic_write(APIC_TIMER_INITIAL, 0);
    return (uint64_t)(first - second) * 1000000000 / nanoseconds;
}

static void print_rate(const char *name, uint64_t cycles) {
    uint64_t microseconds = time_cycles_to_nanoseconds(cycles) / 1000;
    uint64_t millihertz = microseconds ? ticks * 1000000000 / microseconds : 0;
    print("timer: %s ticks=%lu expected_ms=%lu measured_ms=%lu.%03lu rate=%lu.%03lu/s\n", name, ticks,
          ticks * 1000 / rate, microseconds / 1000, microseconds % 1000, millihertz / 1000, millihertz % 1000);
}

static void busy_until(volatile uint64_t *counter, uint64_t number) {
    while (*counter < number) spin_hint();
}

static void run_periodic(const char *name, uint32_t initial, void (*wait)(volatile uint64_t *, uint64_t)) {
    volatile uint64_t *count = interrupt_count(0, VECTOR_TIMER);
    uint64_t before = *count, start = read_tsc();
    apic_write(APIC_TIMER_ENTRY, APIC_TIMER_PERIODIC | VECTOR_TIMER);
    apic_write(APIC_TIMER_INITIAL, initial);
    wait(count, before + ticks);
    uint64_t cycles = read_tsc() - start;
    apic_write(APIC_TIMER_ENTRY, APIC_ENTRY_MASKED | VECTOR_TIMER);
    apic_write(APIC_TIMER_INITIAL, 0);
    print_rate(name, cycles);
}

// Each deadline follows the one before, not the time of its interrupt, so lateness does not add up.
static void run_deadline(const char *name, void (*wait)(volatile uint64_t *, uint64_t)) {
    volatile uint64_t *count = interrupt_count(0, VECTOR_TIMER);
    uint64_t period = time_tsc_khz() * 1000 / rate, before = *count;
    apic_write(APIC_TIMER_ENTRY, APIC_TIMER_TSC_DEADLINE | VECTOR_TIMER);
    uint64_t start = read_tsc();
    for (uint64_t tick = 1; tick <= ticks; tick++) {
        in_ring0(ring0_write_msr, MSR_TSC_DEADLINE, start + tick * period, 0);
        wait(count, before + tick);
    }
    uint64_t cycles = read_tsc() - start;
    apic_write(APIC_TIMER_ENTRY, APIC_ENTRY_MASKED | VECTOR_TIMER);
    print_rate(name, cycles);
}

static void echo(void) {
    serial_enable_receive_interrupts();
    print("timer: type %lu bytes\n", echo_bytes);
    interrupts_halt_until(&serial_received_count, echo_bytes);
    print("timer: got \"");
    console_write((const char *)serial_received, echo_bytes);
    print("\" in %lu interrupts\n", *interrupt_count(0, VECTOR_SERIAL));
}

int program(void) {
    const struct parameter parameters[] = {
        NUMBER_UP_TO("ticks", &ticks, 1000000),
        NUMBER_UP_TO("hz", &rate, 100000),
        NUMBER_UP_TO("echo", &echo_bytes, SERIAL_RECEIVED_CAPACITY),
    };
    ARGUMENTS_READ(parameters);
    if (!rate) rate = 1;

    apic_start();
    uint64_t counts_per_second = measure_timer();
    print("timer: %s counts %lu kHz\n", apic_is_x2() ? "x2APIC" : "xAPIC", counts_per_second / 1000);
    uint64_t initial = counts_per_second / rate;
    if (!initial || initial > UINT32_MAX) {
        print("timer: %lu Hz is out of the timer's range\n", rate);
        return EXIT_USAGE;
    }
    run_periodic("periodic busy", (uint32_t)initial, busy_until);
    run_periodic("periodic halt", (uint32_t)initial, interrupts_halt_until);
    if (cpuid(1).ecx & CPUID_TSC_DEADLINE) {
        run_deadline("deadline busy", busy_until);
        run_deadline("deadline halt", interrupts_halt_until);
    } else {
        print("timer: no TSC deadline\n");
    }
    if (echo_bytes) echo();
    return EXIT_SUCCESS_CODE;
}

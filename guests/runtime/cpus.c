#include "cpus.h"

#include <stdbool.h>

#include "acpi.h"
#include "apic.h"
#include "console.h"
#include "interrupts.h"
#include "memory.h"
#include "processor.h"
#include "ring0.h"
#include "text.h"
#include "time.h"

#define MADT_ENTRIES_OFFSET 44
#define MADT_LOCAL_APIC 0
#define MADT_LOCAL_X2APIC 9
#define MADT_ENABLED 1
#define LARGEST_APIC_ID 254

// Real processors want 10 ms between INIT and start-up and 200 us between two start-ups; virtual ones take less.
#define INIT_SETTLES_MICROSECONDS 200
#define STARTUP_RETRY_MICROSECONDS 1000

extern const char trampoline_start[], trampoline_end[];

uint8_t cpu_index_of_apic_id[256]; // read by smp.S
static uint32_t apic_ids[MAX_CPUS];
static volatile bool is_online[MAX_CPUS];
static cpu_task *volatile tasks[MAX_CPUS];
static volatile uint64_t tasks_given[MAX_CPUS];

static unsigned add_cpu(unsigned count, uint32_t id, uint32_t flags) {
    if (!(flags & MADT_ENABLED) || id == apic_ids[0]) return count;
    if (id > LARGEST_APIC_ID || count == MAX_CPUS) {
        print("cpus: APIC id %u is beyond what this guest can start\n", id);
        return count;
    }
    apic_ids[count] = id;
    cpu_index_of_apic_id[id] = (uint8_t)count;
    return count + 1;
}

unsigned cpus_find(void) {
    apic_start();
    apic_ids[0] = apic_id();
    is_online[0] = true;
    unsigned count = 1;
    const struct acpi_header *madt = acpi_table("APIC");
    if (!madt) {
        print("note: no MADT, so one processor\n");
        return count;
    }
    const uint8_t *entry = (const uint8_t *)madt + MADT_ENTRIES_OFFSET, *end = (const uint8_t *)madt + madt->length;
    for (; entry + 2 <= end && entry[1] >= 2 && entry + entry[1] <= end; entry += entry[1]) {
        uint32_t id, flags;
        if (entry[0] == MADT_LOCAL_APIC && entry[1] >= 8) {
            memcpy(&flags, entry + 4, sizeof flags);
            count = add_cpu(count, entry[3], flags);
        } else if (entry[0] == MADT_LOCAL_X2APIC && entry[1] >= 16) {
            memcpy(&id, entry + 4, sizeof id);
            memcpy(&flags, entry + 8, sizeof flags);
            count = add_cpu(count, id, flags);
        }
    }
    return count;
}

uint32_t cpus_apic_id(unsigned cpu) {
    return apic_ids[cpu];
}

int cpus_is_online(unsigned cpu) {
    return is_online[cpu];
}

static unsigned count_online(unsigned count) {
    unsigned online = 0;
    for (unsigned cpu = 0; cpu < count; cpu++) online += is_online[cpu];
    return online;
}

static void send_startup_to_missing(unsigned count) {
    for (unsigned cpu = 1; cpu < count; cpu++) {
        if (!is_online[cpu]) apic_send(apic_ids[cpu], APIC_COMMAND_STARTUP | TRAMPOLINE_BASE / PAGE_BYTES);
    }
}

unsigned cpus_start(unsigned count, uint64_t timeout_microseconds) {
    memcpy((void *)TRAMPOLINE_BASE, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    for (unsigned cpu = 1; cpu < count; cpu++) in_ring0(ring0_prepare_processor, cpu, 0, 0);

    uint64_t start = read_tsc(), timeout = time_microseconds_to_cycles(timeout_microseconds);
    for (unsigned cpu = 1; cpu < count; cpu++) apic_send(apic_ids[cpu], APIC_COMMAND_INIT);
    time_wait_microseconds(INIT_SETTLES_MICROSECONDS);
    send_startup_to_missing(count);
    time_wait_microseconds(STARTUP_RETRY_MICROSECONDS);
    send_startup_to_missing(count);

    while (count_online(count) < count && read_tsc() - start < timeout) spin_hint();
    return count_online(count);
}

void cpus_run_one(unsigned cpu, cpu_task *task) {
    tasks[cpu] = task;
    tasks_given[cpu]++;
    cpus_interrupt(cpu);
}

void cpus_run(unsigned count, cpu_task *task) {
    for (unsigned cpu = 1; cpu < count; cpu++) {
        if (is_online[cpu]) cpus_run_one(cpu, task);
    }
}

void cpus_interrupt(unsigned cpu) {
    apic_send(apic_ids[cpu], VECTOR_IPI);
}

// smp.S comes here.
_Noreturn void cpus_enter(unsigned cpu);

void cpus_enter(unsigned cpu) {
    is_online[cpu] = true;
    for (uint64_t done = 1;; done++) {
        interrupts_halt_until(&tasks_given[cpu], done);
        tasks[cpu](cpu);
    }
}

// The processors of the MADT. Cpu 0 is the one that booted; the others halt in ring 3's name until they get work.
#pragma once
#include <stdint.h>

// What a processor runs in ring 3. When it returns, the processor halts until the next task.
typedef void cpu_task(unsigned cpu);

// Reads the MADT and switches on the APIC of cpu 0. Returns the number of processors usable, at least 1.
unsigned cpus_find(void);

uint32_t cpus_apic_id(unsigned cpu);

// Starts cpus 1 to count - 1. Returns how many are online, with cpu 0, when all are or the time is over.
unsigned cpus_start(unsigned count, uint64_t timeout_microseconds);

int cpus_is_online(unsigned cpu);

// Lets that processor run the task, by an interrupt. Not for cpu 0.
void cpus_run_one(unsigned cpu, cpu_task *task);

// The same for cpus 1 to count - 1, those of them that are online. The caller, cpu 0, goes on at once.
void cpus_run(unsigned count, cpu_task *task);

// Raises VECTOR_IPI there, from whichever cpu calls.
void cpus_interrupt(unsigned cpu);

// cpus.ring0.c
void ring0_prepare_processor(uint64_t cpu);

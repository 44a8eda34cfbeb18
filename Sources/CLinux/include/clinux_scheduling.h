// What the scheduler is told of a thread, which may be another process's. All answer 0 or -errno; thread 0 is the
// calling one.
#ifndef ROOST_CLINUX_SCHEDULING_H
#define ROOST_CLINUX_SCHEDULING_H

#include <stdint.h>

// A bit for each processor, number 0 first: cpu_set_t.
#define CLINUX_PROCESSOR_WORDS 16
int clinux_thread_processors(int thread, uint64_t *words);
int clinux_set_thread_processors(int thread, const uint64_t *words);

// Nice values of a single thread, -20 to 19.
int clinux_thread_nice(int thread, int *nice);
int clinux_set_thread_nice(int thread, int nice);
// The lowest value that the hard RLIMIT_NICE of a process (0: this one) allows its threads; 20 is none. The second
// raises its soft limit to the hard one, which needs no privilege.
int clinux_lowest_nice_by_limit(int process, int *lowest);
int clinux_raise_nice_limit(int process, int *lowest);

// The processor time of a whole process, clock_getcpuclockid(3).
int clinux_process_time(int process, uint64_t *nanoseconds);

#endif

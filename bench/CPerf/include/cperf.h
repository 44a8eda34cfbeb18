// perf_event_open(2), which glibc does not wrap, for the one event the benchmarks count.
#ifndef ROOST_CPERF_H
#define ROOST_CPERF_H

#include <stdint.h>

// Counts how often any process on a CPU reaches a place in a program's file: a descriptor whose read(2) gives
// the count in 8 bytes, or -errno.
int cperf_open_uprobe(uint32_t type, const char *path, uint64_t offset, int cpu);

#endif

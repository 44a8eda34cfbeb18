// What the benchmarks need and Swift cannot call: perf_event_open(2), which glibc does not wrap, for the one event
// they count, and fork(2).
#ifndef ROOST_CPERF_H
#define ROOST_CPERF_H

#include <stdint.h>

// Counts how often any process on a CPU reaches a place in a program's file: a descriptor whose read(2) gives
// the count in 8 bytes, or -errno.
int cperf_open_uprobe(uint32_t type, const char *path, uint64_t offset, int cpu);

// Connects sockets from a process of its own, which then ends: to whoever listens there, all of them are that one
// client's (unix(7), SO_PEERCRED). 0 or -errno.
int cperf_connect_as_another(const int *sockets, int count, const char *path);

#endif

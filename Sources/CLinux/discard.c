#define _GNU_SOURCE
#include "clinux_discard.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

// PIDFD_SELF_THREAD_GROUP of <linux/pidfd.h>, since Linux 6.14.
static const int own_process = -10001;

int clinux_discard(void *start, size_t size) { return madvise(start, size, MADV_DONTNEED) < 0 ? -errno : 0; }

ssize_t clinux_discard_ranges(const void *ranges, size_t count) {
  ssize_t done = syscall(SYS_process_madvise, own_process, ranges, count, MADV_DONTNEED, 0);
  return done < 0 ? -errno : done;
}

int clinux_map_fresh(void *start, size_t size) {
  void *made = mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  return made == MAP_FAILED ? -errno : 0;
}

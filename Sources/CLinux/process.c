#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clinux.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static int answer(long result) { return result < 0 ? -errno : (int)result; }

int clinux_pidfd_open(int process) { return answer(syscall(SYS_pidfd_open, process, 0)); }

int clinux_pidfd_getfd(int pidfd, int descriptor) {
  return answer(syscall(SYS_pidfd_getfd, pidfd, descriptor, 0));
}

_Static_assert(sizeof(struct iovec) == 2 * sizeof(uint64_t), "iovec");

long clinux_read_process(int process, void *destination, size_t size, const uint64_t *ranges, size_t count) {
  struct iovec local = {destination, size};
  long result = process_vm_readv(process, &local, 1, (const struct iovec *)ranges, count, 0);
  return result < 0 ? -errno : result;
}

int clinux_thread_identifier(void) { return (int)syscall(SYS_gettid); }

int clinux_available_processors(void) {
  cpu_set_t processors;
  // More processors than the set has room for are more than one.
  return sched_getaffinity(0, sizeof processors, &processors) < 0 ? 2 : CPU_COUNT(&processors);
}

void clinux_share_heap(void) { mallopt(M_ARENA_MAX, 1); }

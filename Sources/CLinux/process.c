#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <sys/syscall.h>
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

int clinux_thread_identifier(void) { return (int)syscall(SYS_gettid); }

int clinux_available_processors(void) {
  cpu_set_t processors;
  // More processors than the set has room for are more than one.
  return sched_getaffinity(0, sizeof processors, &processors) < 0 ? 2 : CPU_COUNT(&processors);
}

void clinux_share_heap(void) { mallopt(M_ARENA_MAX, 1); }

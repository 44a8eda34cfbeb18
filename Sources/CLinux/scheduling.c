#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#include "clinux.h"

static int answer(int result) { return result < 0 ? -errno : result; }

int clinux_thread_processors(int thread, uint64_t *words) {
  _Static_assert(sizeof(cpu_set_t) == CLINUX_PROCESSOR_WORDS * sizeof(uint64_t), "cpu_set_t");
  return answer(sched_getaffinity(thread, sizeof(cpu_set_t), (cpu_set_t *)words));
}

int clinux_set_thread_processors(int thread, const uint64_t *words) {
  return answer(sched_setaffinity(thread, sizeof(cpu_set_t), (const cpu_set_t *)words));
}

int clinux_thread_nice(int thread, int *nice) {
  errno = 0;
  int value = getpriority(PRIO_PROCESS, (id_t)thread);
  // -1 is a value as well as the sign of an error.
  if (value == -1 && errno) return -errno;
  *nice = value;
  return 0;
}

int clinux_set_thread_nice(int thread, int nice) { return answer(setpriority(PRIO_PROCESS, (id_t)thread, nice)); }

static int lowest_nice(rlim_t limit) { return 20 - (limit > 40 ? 40 : (int)limit); }

int clinux_lowest_nice_by_limit(int process, int *lowest) {
  struct rlimit limit;
  if (prlimit(process, RLIMIT_NICE, NULL, &limit) != 0) return -errno;
  *lowest = lowest_nice(limit.rlim_max);
  return 0;
}

int clinux_raise_nice_limit(int process, int *lowest) {
  struct rlimit limit;
  if (prlimit(process, RLIMIT_NICE, NULL, &limit) != 0) return -errno;
  if (limit.rlim_cur < limit.rlim_max) {
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (prlimit(process, RLIMIT_NICE, &raised, NULL) != 0) return -errno;
  }
  *lowest = lowest_nice(limit.rlim_max);
  return 0;
}

int clinux_process_time(int process, uint64_t *nanoseconds) {
  clockid_t clock;
  struct timespec time;
  int failed = clock_getcpuclockid(process, &clock);
  if (failed) return -failed;
  // The process may end between the two calls.
  if (clock_gettime(clock, &time) != 0) return -ESRCH;
  *nanoseconds = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
  return 0;
}

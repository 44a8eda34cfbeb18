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

int clinux_lowest_nice_by_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NICE, &limit) != 0) return 20;
  return 20 - (limit.rlim_cur > 40 ? 40 : (int)limit.rlim_cur);
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

#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clinux.h"

_Static_assert(sizeof(struct clinux_epoll_event) == sizeof(struct epoll_event), "epoll_event is 12 bytes");
_Static_assert(offsetof(struct clinux_epoll_event, slot) == offsetof(struct epoll_event, data),
               "the token is the event's data");

int clinux_epoll(void) {
  int descriptor = epoll_create1(EPOLL_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

static int control(int epoll, int operation, int descriptor, struct clinux_epoll_event *event) {
  return epoll_ctl(epoll, operation, descriptor, (struct epoll_event *)event) < 0 ? -errno : 0;
}

int clinux_epoll_add(int epoll, int descriptor, struct clinux_epoll_event event) {
  return control(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int clinux_epoll_change(int epoll, int descriptor, struct clinux_epoll_event event) {
  return control(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

int clinux_epoll_remove(int epoll, int descriptor) {
  return control(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

int clinux_epoll_wait(int epoll, struct clinux_epoll_event *events, int count, int timeout_milliseconds) {
  int result = epoll_wait(epoll, (struct epoll_event *)events, count, timeout_milliseconds);
  if (result < 0) return errno == EINTR ? 0 : -errno;
  return result;
}

int clinux_timerfd(void) {
  int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

static struct timespec seconds(uint64_t nanoseconds) {
  return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
}

int clinux_timerfd_set(int descriptor, uint64_t first_nanoseconds, uint64_t interval_nanoseconds) {
  struct itimerspec time = {.it_value = seconds(first_nanoseconds), .it_interval = seconds(interval_nanoseconds)};
  return timerfd_settime(descriptor, 0, &time, NULL) < 0 ? -errno : 0;
}

void clinux_futex_wait(const void *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void clinux_futex_wake(const void *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clinux.h"

int clinux_open(const char *path, int flags, unsigned mode) {
  int descriptor;
  do {
    descriptor = open(path, flags, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_eventfd(void) {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_signalfd(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int result = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return result < 0 ? -errno : result;
}

int clinux_memfd_create(const char *name, unsigned flags) {
  int descriptor = memfd_create(name, flags);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_daemonize(void) {
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child > 0) _exit(0);
  setsid();
  return 0;
}

int clinux_spawn_close_from(void *actions, int first) {
  return -posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int clinux_try_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) < 0 ? -errno : 0; }

int clinux_is_locked(int descriptor) {
  // A shared lock, for a moment: two that look at the same time do not see each other.
  if (flock(descriptor, LOCK_SH | LOCK_NB) < 0) return errno == EWOULDBLOCK ? 1 : -errno;
  flock(descriptor, LOCK_UN);
  return 0;
}

ssize_t clinux_read(int descriptor, void *buffer, size_t size) {
  ssize_t count;
  do {
    count = read(descriptor, buffer, size);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

ssize_t clinux_write(int descriptor, const void *buffer, size_t size) {
  ssize_t count;
  do {
    count = write(descriptor, buffer, size);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

ssize_t clinux_pwrite(int descriptor, const void *buffer, size_t size, off_t offset) {
  ssize_t result;
  do {
    result = pwrite(descriptor, buffer, size, offset);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ssize_t clinux_pread(int descriptor, void *buffer, size_t size, off_t offset) {
  ssize_t count;
  do {
    count = pread(descriptor, buffer, size, offset);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

ssize_t clinux_random(void *buffer, size_t size) {
  ssize_t count;
  do {
    count = getrandom(buffer, size, 0);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "clinux.h"

static struct termios saved;
static atomic_int raw_descriptor = -1;

void clinux_terminal_restore(void) {
  int descriptor = atomic_exchange(&raw_descriptor, -1);
  if (descriptor < 0) return;
  int before = errno;
  // A background process that sets a terminal is stopped by SIGTTOU; it must not be while it dies.
  sigset_t block, old;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  sigprocmask(SIG_BLOCK, &block, &old);
  tcsetattr(descriptor, TCSANOW, &saved);
  sigprocmask(SIG_SETMASK, &old, 0);
  errno = before;
}

// SA_RESETHAND has put the default action back: raising it again ends the process as it would have.
static void restore_and_die(int signal) {
  clinux_terminal_restore();
  raise(signal);
}

int clinux_terminal_make_raw(int descriptor) {
  if (tcgetattr(descriptor, &saved) < 0) return -errno;
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGSYS, SIGQUIT, SIGHUP};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    // Whoever has a handler already (clinux_survive_lost_pages) restores the terminal in it.
    struct sigaction present;
    if (sigaction(fatal[i], 0, &present) < 0) return -errno;
    if (present.sa_flags & SA_SIGINFO) continue;
    struct sigaction action = {.sa_handler = restore_and_die, .sa_flags = SA_RESETHAND | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    if (sigaction(fatal[i], &action, 0) < 0) return -errno;
  }
  atexit(clinux_terminal_restore);
  struct termios raw = saved;
  cfmakeraw(&raw);
  // Output keeps its new lines: messages of ours appear between those of the guest.
  raw.c_oflag |= OPOST;
  atomic_store(&raw_descriptor, descriptor);
  if (tcsetattr(descriptor, TCSANOW, &raw) < 0) {
    int error = errno;
    atomic_store(&raw_descriptor, -1);
    return -error;
  }
  return 0;
}

int clinux_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) < 0) return -errno;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}

int clinux_open_pseudo_terminal(char *slave_path, size_t size) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) return -errno;
  int error = 0;
  if (grantpt(master) < 0 || unlockpt(master) < 0) error = errno;
  if (!error) error = ptsname_r(master, slave_path, size);
  // Until somebody opens the slave and sets it, nothing may be echoed: the echo would be input.
  struct termios settings;
  if (!error && tcgetattr(master, &settings) < 0) error = errno;
  if (!error) {
    cfmakeraw(&settings);
    if (tcsetattr(master, TCSANOW, &settings) < 0) error = errno;
  }
  if (error) {
    close(master);
    return -error;
  }
  return master;
}

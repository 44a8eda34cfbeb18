#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "clinux.h"

int clinux_kick_signal(void) { return SIGRTMIN; }

// Nothing to do: arriving is the whole effect, it makes KVM_RUN return EINTR.
static void kick(int signal) { (void)signal; }

int clinux_install_kick_handler(void) {
  struct sigaction action = {.sa_handler = kick};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGRTMIN, &action, 0) < 0 ? -errno : 0;
}

void clinux_unblock_kick_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_UNBLOCK, &set, 0);
}

int clinux_block_signals(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  return -pthread_sigmask(SIG_BLOCK, &set, 0);
}

static int set_handler(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  return sigaction(signal, &action, 0) < 0 ? -errno : 0;
}

int clinux_ignore_signal(int signal) { return set_handler(signal, SIG_IGN); }

int clinux_next_signal(int descriptor) {
  struct signalfd_siginfo information;
  ssize_t count = clinux_read(descriptor, &information, sizeof information);
  if (count < 0) return (int)count;
  return count == sizeof information ? (int)information.ssi_signo : -EIO;
}

void clinux_name_thread(const char *name) {
  char kept[16] = {0};
  strncpy(kept, name, sizeof kept - 1);
  pthread_setname_np(pthread_self(), kept);
}

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "clinux.h"

__attribute__((noinline)) void clinux_copy_shared(void *destination, const void *source, size_t size) {
  memcpy(destination, source, size);
  __asm__ volatile("" ::: "memory");
}

int clinux_is_zero(const void *bytes, size_t size) {
  // Equal to itself one byte further on, and zero at the beginning.
  return size == 0 || (*(const char *)bytes == 0 && memcmp(bytes, (const char *)bytes + 1, size - 1) == 0);
}

const void *clinux_find_bytes(const void *bytes, size_t size, const void *pattern, size_t length) {
  return memmem(bytes, size, pattern, length);
}

__attribute__((noinline)) void clinux_fill_shared(void *destination, int byte, size_t size) {
  memset(destination, byte, size);
  __asm__ volatile("" ::: "memory");
}

static atomic_uintptr_t guarded_start, guarded_end;
static atomic_ulong lost_pages;

static void replace_lost_page(int signal, siginfo_t *information, void *context) {
  (void)context;
  int before = errno;
  uintptr_t address = (uintptr_t)information->si_addr & ~(uintptr_t)4095;
  if (address >= atomic_load(&guarded_start) && address < atomic_load(&guarded_end) &&
      mmap((void *)address, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
          MAP_FAILED) {
    atomic_fetch_add(&lost_pages, 1);
    errno = before;
    return;
  }
  // Not ours to repair: the fault comes again when this returns, and ends the process.
  clinux_terminal_restore();
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal, &action, 0);
  errno = before;
}

int clinux_survive_lost_pages(void *start, size_t size) {
  atomic_store(&guarded_start, (uintptr_t)start);
  atomic_store(&guarded_end, (uintptr_t)start + size);
  struct sigaction action = {.sa_sigaction = replace_lost_page, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, 0) < 0 ? -errno : 0;
}

unsigned long clinux_lost_pages(void) { return atomic_load(&lost_pages); }

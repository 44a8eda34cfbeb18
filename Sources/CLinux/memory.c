#include <string.h>

#include "clinux.h"

__attribute__((noinline)) void clinux_copy_shared(void *destination, const void *source, size_t size) {
  memcpy(destination, source, size);
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void clinux_fill_shared(void *destination, int byte, size_t size) {
  memset(destination, byte, size);
  __asm__ volatile("" ::: "memory");
}

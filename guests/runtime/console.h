// Output on COM1. Call from cpu 0, or from one cpu at a time.
#pragma once
#include <stddef.h>
#include <stdint.h>

// One passage into ring 0 whatever the size, then about one exit a byte.
void console_write(const char *bytes, size_t size);

// %s %c %% and, with an optional l, zero padding and width: %d %u %x. Longer than a line buffer is cut.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// console.ring0.c
void ring0_console_write(const char *bytes, size_t size);

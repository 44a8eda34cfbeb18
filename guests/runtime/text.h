// Strings, as far as the guests need them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

size_t text_length(const char *text);
bool text_equal(const char *left, const char *right);

// Decimal, or hexadecimal after 0x. False if the text is anything else or does not fit into 64 bits.
bool text_to_number(const char *text, uint64_t *number);

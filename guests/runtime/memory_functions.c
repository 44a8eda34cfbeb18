// What the compiler calls without being asked to.
#include "text.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    void *destination = to;
    __asm__ volatile("rep movsb" : "+D"(destination), "+S"(from), "+c"(size)::"memory");
    return to;
}

void *memset(void *to, int value, size_t size) {
    void *destination = to;
    __asm__ volatile("rep stosb" : "+D"(destination), "+c"(size) : "a"(value) : "memory");
    return to;
}

int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) return a[i] - b[i];
    }
    return 0;
}

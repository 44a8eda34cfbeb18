// The gate from ring 3 into ring 0: int3, because neither int n nor syscall works on every host (README.md).
//
// in_ring0(f, a, b, c) runs f(a, b, c) in ring 0 with interrupts off. Only functions of *.ring0.c files may be
// called: they are compiled without SSE, and on some hosts every instruction of theirs is emulated, so they are short.
#pragma once
#include <stdint.h>

#define in_ring0(function, first, second, third)                                                                       \
    ring0_call((uint64_t)(function), (uint64_t)(first), (uint64_t)(second), (uint64_t)(third))

static inline uint64_t ring0_call(uint64_t function, uint64_t first, uint64_t second, uint64_t third) {
    __asm__ volatile("int3"
                     : "+a"(function), "+D"(first), "+S"(second), "+d"(third)
                     :
                     : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
    return function;
}

// Exceptions end the program, after ring 3 has reported them.
#pragma once
#include <stdint.h>

// The order of the fields is that of the pushes in traps.S.
struct exception {
    uint64_t cr2;
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

// Called in ring 3, on a stack of its own, with interrupts on. Must not return.
typedef void exception_handler(const struct exception *exception);

// Null: print the registers and exit with EXIT_EXCEPTION + vector.
void exceptions_handle_with(exception_handler *handler);

extern struct exception exception_record;

// traps.ring0.c
void ring0_handle_exception(const struct exception *exception);

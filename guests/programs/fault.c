// Everything that may go wrong in a guest: exceptions it handles, and ends or stops that the VMM has to handle.
#include "arguments.h"
#include "console.h"
#include "exceptions.h"
#include "exits.h"
#include "machine.h"
#include "ring0.h"
#include "text.h"

#define EXIT_UNEXPECTED 32 // + vector
#define EXIT_EXECUTED 3
#define UNMAPPED_ADDRESS 0x200000000
#define RING3_READ_NOT_PRESENT 4 // error code of a page fault

static const char *kind = "divide";
static const char *const kinds[] = {"divide", "page", "invalid", "triple", "unsupported", "halt", "loop", NULL};

static uint64_t expected_vector, expected_error, expected_rip;

static void check_exception(const struct exception *e) {
    print("fault: vector %lu error %lu address 0x%lx rip 0x%lx\n", e->vector, e->error, e->vector == 14 ? e->cr2 : 0,
          e->rip);
    int is_expected = e->vector == expected_vector && e->error == expected_error && e->rip == expected_rip;
    if (e->vector == 14 && e->cr2 != UNMAPPED_ADDRESS) is_expected = 0;
    if (is_expected) machine_exit(EXIT_SUCCESS_CODE);
    print("fault: expected vector %lu error %lu rip 0x%lx\n", expected_vector, expected_error, expected_rip);
    machine_exit(EXIT_UNEXPECTED + (int)e->vector);
}

// Each block says itself where it will fault: label 1.
static void divide_by_zero(void) {
    expected_vector = 0;
    __asm__ volatile("movq $1f, %0\n\txorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\txorl %%edx, %%edx\n1:\tdivl %%ecx"
                     : "=m"(expected_rip)::"rax", "rcx", "rdx", "cc");
}

static void read_unmapped(void) {
    expected_vector = 14;
    expected_error = RING3_READ_NOT_PRESENT;
    __asm__ volatile("movq $1f, %0\n1:\tmovq (%1), %%rax" : "=m"(expected_rip) : "r"(UNMAPPED_ADDRESS) : "rax");
}

static void execute_invalid(void) {
    expected_vector = 6;
    __asm__ volatile("movq $1f, %0\n1:\tud2" : "=m"(expected_rip));
}

int program(void) {
    const struct parameter parameters[] = {TEXT("kind", &kind, kinds)};
    ARGUMENTS_READ(parameters);

    if (text_equal(kind, "triple")) in_ring0(ring0_triple_fault, 0, 0, 0);
    if (text_equal(kind, "halt")) machine_halt();
    if (text_equal(kind, "loop")) {
        print("looping\n");
        for (;;) __asm__ volatile("");
    }
    if (text_equal(kind, "unsupported")) {
        in_ring0(ring0_execute_unsupported, 0, 0, 0);
        print("fault: the instruction was executed\n");
        return EXIT_EXECUTED;
    }
    exceptions_handle_with(check_exception);
    if (text_equal(kind, "divide")) divide_by_zero();
    if (text_equal(kind, "page")) read_unmapped();
    if (text_equal(kind, "invalid")) execute_invalid();
    print("fault: no exception\n");
    return EXIT_FAILED;
}

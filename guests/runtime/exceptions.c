#include "exceptions.h"

#include "console.h"
#include "machine.h"

struct exception exception_record;

static exception_handler *chosen_handler;

void exceptions_handle_with(exception_handler *handler) {
    chosen_handler = handler;
}

static void print_registers(const struct exception *e) {
    print("exception: vector %lu error 0x%lx rip 0x%lx ring %lu cr2 0x%lx\n", e->vector, e->error, e->rip, e->cs & 3,
          e->cr2);
    print("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", e->rax, e->rbx, e->rcx, e->rdx);
    print("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", e->rsi, e->rdi, e->rbp, e->rsp);
    print("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", e->r8, e->r9, e->r10, e->r11);
    print("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx rflags %lx\n", e->r12, e->r13, e->r14, e->r15, e->rflags);
}

// traps.S comes here.
_Noreturn void exception_report(void);

void exception_report(void) {
    if (chosen_handler) chosen_handler(&exception_record);
    print_registers(&exception_record);
    uint64_t vector = exception_record.vector;
    machine_exit(EXIT_EXCEPTION + (int)(vector < 31 ? vector : 31));
}

// The large arrays of ring 3, apart because nothing clears them: most are never touched.
#include "layout.h"

.section .uninitialised, "aw", @nobits
.balign 4096
.globl page_directories
page_directories:
    .skip 4096 * MAX_PAGE_DIRECTORIES
.globl ring3_stacks
ring3_stacks:
    .skip RING3_STACK_BYTES * MAX_CPUS
    .skip RING3_STACK_BYTES
.globl exception_stack_top
exception_stack_top:

.section .note.GNU-stack, "", @progbits

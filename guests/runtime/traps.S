// Exceptions, interrupts and the gate into ring 0.
#include "layout.h"

// Vectors at which the processor pushes an error code of its own.
.macro push_error_code_unless_pushed vector
    .if !((\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || (\vector == 21))
    pushq $0
    .endif
.endm

.section .trap_stubs, "ax", @progbits
.globl trap_stubs
trap_stubs:
vector = 0
.rept VECTOR_COUNT
    .balign 16
    .if vector == VECTOR_BREAKPOINT
    jmp ring0_gate
    .elseif vector < FIRST_INTERRUPT_VECTOR
    push_error_code_unless_pushed vector
    pushq $vector
    jmp exception
    .else
    pushq %rdi
    movl $vector, %edi
    jmp interrupt
    .endif
    vector = vector + 1
.endr

.section .ring0.text, "ax", @progbits

// int3 from ring 3: %rax = function, arguments as in any call. The caller (ring0.h) gives up all caller-saved registers.
ring0_gate:
    cld
    subq $8, %rsp
    call *%rax
    addq $8, %rsp
    iretq

interrupt:
    cld
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    call ring0_handle_interrupt
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    popq %rdi
    iretq

// The order of the registers is that of struct exception (exceptions.h).
exception:
    cld
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %cr2, %rax
    pushq %rax
    movq %rsp, %rdi
    call ring0_handle_exception
    // The exception was recorded; it is reported, and the program ended, by ring 3, which can print at full speed.
    movl $exception_stack_top - 8, %eax
    movl $exception_report, %ecx
    jmp enter_ring3

.section .ring0.data, "aw", @progbits
.balign 16
// The stubs are 16 bytes apart from RING0_BASE on, so every gate is known when this is assembled.
idt:
vector = 0
.rept VECTOR_COUNT
    .word (RING0_BASE & 0xffff) + 16 * vector
    .word RING0_CODE_SELECTOR
    .if vector == VECTOR_BREAKPOINT
    .word 0xee00                        // interrupt gate open to ring 3
    .else
    .word 0x8e00
    .endif
    .word RING0_BASE >> 16
    .quad 0
    vector = vector + 1
.endr
idt_end:
.globl idt_pointer
idt_pointer:
    .word idt_end - idt - 1
    .quad idt

.section .note.GNU-stack, "", @progbits

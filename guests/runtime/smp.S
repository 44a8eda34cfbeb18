// Start-up code of every processor but the first. The real-mode half is copied to TRAMPOLINE_BASE by cpus.c;
// its only absolute addresses lie in the ring-0 image.
#include "layout.h"

.section .rodata.trampoline, "a", @progbits
.globl trampoline_start, trampoline_end
.code16
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdt_pointer - trampoline_start
    movl $CR4_LONG_MODE, %eax
    movl %eax, %cr4
    movl $page_map, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LONG_MODE_ENABLE, %eax
    wrmsr
    movl $CR0_LONG_MODE, %eax
    movl %eax, %cr0
    ljmpl $RING0_CODE_SELECTOR, $application_processor
trampoline_gdt_pointer:
    .word FIRST_TSS_SELECTOR - 1        // lgdtl reads 32 bits of base; the full table is loaded in long mode
    .long gdt
trampoline_end:

.section .ring0.text, "ax", @progbits
.code64
application_processor:
    lgdt gdt_pointer
    lidt idt_pointer
    movl $RING0_DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss

    // There is no stack yet: which one is ours follows from the APIC id.
    cmpl $0, ring0_apic_is_x2
    je 1f
    movl $MSR_APIC_BASE, %ecx
    rdmsr
    orl $0xc00, %eax
    wrmsr
    movl $0x802, %ecx
    rdmsr
    jmp 2f
1:  movl $0xfee00020, %eax
    movl (%rax), %eax
    shrl $24, %eax
2:  cmpl $255, %eax
    ja 3f
    movzbl cpu_index_of_apic_id(%rax), %ebx
    testl %ebx, %ebx                    // cpu 0 is the one that started us: an id nobody has announced
    jz 3f

    movl %ebx, %eax
    shll $4, %eax
    addl $FIRST_TSS_SELECTOR, %eax
    ltr %ax
    leal 1(%rbx), %esp
    imull $RING0_AREA_BYTES, %esp, %esp
    addl $ring0_areas, %esp
    call ring0_apic_start

    movl %ebx, %edi                     // cpus_enter(index)
    leal 1(%rbx), %eax
    imull $RING3_STACK_BYTES, %eax, %eax
    addl $ring3_stacks - 8, %eax
    movl $cpus_enter, %ecx
    jmp enter_ring3
3:  cli
    hlt
    jmp 3b

// One area a processor: its TSS at the bottom, its ring-0 stack growing down from the top.
.section .ring0.uninitialised, "aw", @nobits
.balign 4096
.globl ring0_areas
ring0_areas:
    .skip RING0_AREA_BYTES * MAX_CPUS

.section .note.GNU-stack, "", @progbits

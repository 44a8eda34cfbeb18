// From either entry point to the first ring-3 instruction, in some 120 instructions: on a host that emulates
// ring 0 each costs about 400 ns, so nothing is computed here that the assembler or ring 3 can do.
#include "layout.h"

#define PAGE_PRESENT_WRITE 0x03
#define PAGE_USER 0x04
#define PAGE_LARGE 0x80

.section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18                      // name size, value size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long entry32

// A program that wants its first byte on the wire before anything else defines this itself (hello.c).
.section .ring0.data, "aw", @progbits
.weak early_console_byte
early_console_byte:
    .byte 0

// Both macros assemble in 32-bit and in 64-bit mode, and leave %ebx, %esi and %ebp alone.
.macro send_early_byte
    movb early_console_byte, %al
    testb %al, %al
    jz 1f
    movw $COM1_PORT, %dx
    outb %al, %dx
1:
.endm

.macro build_page_tables
    movl $(page_directory_pointers + PAGE_PRESENT_WRITE + PAGE_USER), page_map
    movl $(boot_page_directory + PAGE_PRESENT_WRITE + PAGE_USER), page_directory_pointers
    movl $boot_page_directory, %edi
    movl $(PAGE_PRESENT_WRITE + PAGE_USER + PAGE_LARGE), %eax
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    cmpl $(BOOT_MAPPED_BYTES + PAGE_PRESENT_WRITE + PAGE_USER + PAGE_LARGE), %eax
    jb 1b
    movl $(RING0_BASE + PAGE_PRESENT_WRITE + PAGE_LARGE), boot_page_directory + 8 * (RING0_BASE >> 21)
.endm

.section .ring0.text, "ax", @progbits

// PVH: 32-bit protected mode, flat segments, paging off, %ebx = struct hvm_start_info.
.code32
.globl entry32
entry32:
    cli
    cld
    send_early_byte
    movl %ebx, %esi
    movl $BOOT_PROTOCOL_PVH, %ebp
    build_page_tables
    lgdt gdt_pointer
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
    ljmp $RING0_CODE_SELECTOR, $long_mode

// Linux 64-bit boot protocol: long mode, identity mapping of the VMM, %rsi = struct boot_params.
.code64
.globl entry64
entry64:
    cli
    cld
    send_early_byte
    movl $BOOT_PROTOCOL_LINUX64, %ebp
    build_page_tables
    lgdt gdt_pointer
    movl $CR4_LONG_MODE, %eax
    movq %rax, %cr4
    movl $page_map, %eax
    movq %rax, %cr3
    movl $CR0_LONG_MODE, %eax
    movq %rax, %cr0
    movl $bootstrap_stack_top, %esp
    pushq $RING0_CODE_SELECTOR
    pushq $long_mode
    lretq

// Here %rsi = boot information, %ebp = protocol, and everything but CS is still the VMM's.
long_mode:
    movl $RING0_DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $bootstrap_stack_top, %esp
    xorl %eax, %eax
    movl $ring0_zeroed_start, %edi
    movl $ring0_zeroed_end, %ecx
    subl %edi, %ecx
    rep stosb

    // Only cpu 0 has an I/O permission bitmap. It lies in zeroed memory: ring 3 may use every port.
    movl $bootstrap_stack_top, bootstrap_tss + 4
    movw $TSS_BYTES, bootstrap_tss + 102
    movb $0xff, bootstrap_tss + TSS_BYTES + 8192
    movl $bootstrap_tss, %eax
    movw %ax, gdt + FIRST_TSS_SELECTOR + 2
    shrl $16, %eax
    movb %al, gdt + FIRST_TSS_SELECTOR + 4
    movb %ah, gdt + FIRST_TSS_SELECTOR + 7
    movl $FIRST_TSS_SELECTOR, %eax
    ltr %ax
    lidt idt_pointer

    // Firmware may have left the interrupt controllers of the PC running. Where there are none this does nothing.
    movb $0xff, %al
    outb %al, $0x21
    outb %al, $0xa1

    movl %ebp, %edi                     // runtime_start(protocol, boot information)
    movl $ring3_stacks + RING3_STACK_BYTES - 8, %eax
    movl $runtime_start, %ecx
    jmp enter_ring3

// enter_ring3: %rax = stack pointer, %rcx = instruction pointer, %rdi and %rsi = arguments. Does not return.
.globl enter_ring3
enter_ring3:
    pushq $RING3_DATA_SELECTOR
    pushq %rax
    pushq $0x202                        // interrupts on
    pushq $RING3_CODE_SELECTOR
    pushq %rcx
    iretq

.section .ring0.data, "aw", @progbits
.balign 16
.globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff            // ring-0 code, 64-bit
    .quad 0x00cf93000000ffff            // ring-0 data
    .quad 0x00cff3000000ffff            // ring-3 data
    .quad 0x00affb000000ffff            // ring-3 code, 64-bit
    .quad 0
    .quad 0x0000890000000000 + TSS_BYTES + 8192, 0
    .skip 16 * (MAX_CPUS - 1)           // descriptors of the other processors: cpus.ring0.c
gdt_end:
.globl gdt_pointer
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt

.section .ring0.uninitialised, "aw", @nobits
.balign 4096
// Page tables rely on the loader having zeroed what the file does not hold. Stale entries of an earlier run
// would do no harm: every mapping ever made is the identity.
.globl page_map, page_directory_pointers
page_map:
    .skip 4096
page_directory_pointers:
    .skip 4096
boot_page_directory:
    .skip 4096
bootstrap_tss:
    .skip TSS_BYTES + 8192 + 8
.balign 16
    .skip RING0_AREA_BYTES
bootstrap_stack_top:

.section .note.GNU-stack, "", @progbits

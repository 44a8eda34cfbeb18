// Start-up benchmark: one byte on COM1 by the very first instructions, then exit. Uses neither stack nor runtime.
// With the word "stay" anywhere on the command line it halts for ever instead: an idle guest.
#define COM1_PORT 0x3f8
#define DEBUG_EXIT_PORT 0xf4
#define KEYBOARD_CONTROLLER_PORT 0x64
#define PVH_COMMAND_LINE 24             // offset in struct hvm_start_info
#define LINUX_COMMAND_LINE 0x228        // offset in struct boot_params
#define MAX_COMMAND_LINE 2048

.section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18                      // name size, value size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long entry32

// The same instructions in 32-bit and 64-bit mode; %esi = command line or 0.
.macro stay_or_exit
    testl %esi, %esi
    jz 2f
    movl $MAX_COMMAND_LINE, %ecx
1:  movl (%esi), %eax
    testb %al, %al
    jz 2f
    cmpl $0x79617473, %eax              // "stay"
    je 3f
    incl %esi
    decl %ecx
    jnz 1b
2:  xorl %eax, %eax
    outb %al, $DEBUG_EXIT_PORT
    movb $0xfe, %al                     // nobody listened there: reset, by a triple fault in the end
    outb %al, $KEYBOARD_CONTROLLER_PORT
    lidt no_idt
    ud2
3:  cli
    hlt
    jmp 3b
.endm

.macro send_byte
    movw $COM1_PORT, %dx
    movb $'!', %al
    outb %al, %dx
.endm

.section .ring0.text, "ax", @progbits
.code32
entry32:
    send_byte
    movl PVH_COMMAND_LINE(%ebx), %esi
    stay_or_exit

.code64
.globl entry64
entry64:
    send_byte
    movl LINUX_COMMAND_LINE(%rsi), %esi
    stay_or_exit

.section .ring0.data, "aw", @progbits
no_idt:
    .skip 10

.section .note.GNU-stack, "", @progbits

#include "places.h"

#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "text.h"

#define ROOST_BASE 0xd0000000UL
#define ROOST_STRIDE 0x1000
#define ROOST_COUNT 14
#define ROOST_FIRST_INTERRUPT 10

#define MICROVM_BASE 0xfeb00000UL
#define MICROVM_STRIDE 0x200
// With a second I/O APIC, QEMU's microvm puts 24 devices at its pins; without, 8 from pin 5 on.
#define MICROVM_COUNT 24
#define MICROVM_FIRST_INTERRUPT 24
#define MICROVM_SMALL_COUNT 8
#define MICROVM_SMALL_FIRST_INTERRUPT 5
#define SECOND_IO_APIC 0xfec10000UL
#define IO_APIC_VERSION 1
#define IO_APIC_WINDOW 0x10

// The number up to that character; behind it goes on. False if it is none.
static bool number_until(const char **text, char end, uint64_t *number) {
    char word[24];
    size_t length = 0;
    for (; (*text)[length] && (*text)[length] != end; length++) {
        if (length == sizeof word - 1) return false;
        word[length] = (*text)[length];
    }
    word[length] = 0;
    *text += length + ((*text)[length] ? 1 : 0);
    return text_to_number(word, number);
}

// SIZE@BASE:INTERRUPT, and perhaps :ID, as Linux reads it.
static bool take(const char *word, void (*found)(uint64_t, unsigned)) {
    char copy[64];
    size_t length = 0;
    for (; word[length] && word[length] != ' ' && length < sizeof copy - 1; length++) copy[length] = word[length];
    copy[length] = 0;
    const char *text = copy;
    while (*text && *text != '@') text++;
    if (!*text++) return false;
    uint64_t address, interrupt;
    if (!number_until(&text, ':', &address) || !number_until(&text, ':', &interrupt)) return false;
    found(address, (unsigned)interrupt);
    return true;
}

static bool has_second_io_apic(void) {
    volatile uint32_t *registers = memory_map_physical(SECOND_IO_APIC, PAGE_BYTES);
    registers[0] = IO_APIC_VERSION;
    uint32_t version = registers[IO_APIC_WINDOW / sizeof *registers];
    return version && version != UINT32_MAX;
}

void places_find(void (*found)(uint64_t address, unsigned interrupt)) {
    static const char key[] = "virtio_mmio.device=";
    bool is_named = false;
    for (const char *text = machine.command_line; *text; text++) {
        if (memcmp(text, key, sizeof key - 1)) continue;
        if (!take(text + sizeof key - 1, found)) print("virtio: what is '%s'?\n", text);
        is_named = true;
    }
    if (is_named) return;
    for (unsigned i = 0; i < ROOST_COUNT; i++) found(ROOST_BASE + i * ROOST_STRIDE, ROOST_FIRST_INTERRUPT + i);
    bool is_large = has_second_io_apic();
    for (unsigned i = 0; i < (is_large ? MICROVM_COUNT : MICROVM_SMALL_COUNT); i++) {
        found(MICROVM_BASE + i * MICROVM_STRIDE, (is_large ? MICROVM_FIRST_INTERRUPT : MICROVM_SMALL_FIRST_INTERRUPT) + i);
    }
}

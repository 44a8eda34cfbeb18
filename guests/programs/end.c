// The ways in which a guest can end its virtual machine.
#include <stdbool.h>

#include "acpi.h"
#include "arguments.h"
#include "console.h"
#include "machine.h"
#include "memory.h"
#include "processor.h"
#include "ring0.h"
#include "text.h"
#include "time.h"

#define FADT_FLAGS 112 // offsets, ACPI 6.5, 5.2.9
#define FADT_RESET_REGISTER 116
#define FADT_RESET_VALUE 128
#define FADT_SLEEP_CONTROL 244
#define FADT_RESET_SUPPORTED (1u << 10)
#define FADT_HARDWARE_REDUCED (1u << 20)

#define SPACE_MEMORY 0
#define SPACE_IO 1

#define SLEEP_TYPE_S5 5
#define SLEEP_CONTROL_S5 (SLEEP_TYPE_S5 << 2 | 0x20) // type, SLP_EN

#define TAKES_EFFECT_MICROSECONDS 1000000

struct __attribute__((packed)) generic_address {
    uint8_t space, bit_width, bit_offset, access_size;
    uint64_t address;
};
_Static_assert(sizeof(struct generic_address) == 12, "ACPI 6.5, 5.2.3.2");

static const char *kind = "debug-exit";
static const char *const kinds[] = {"debug-exit", "reset-i8042", "reset-acpi", "poweroff-acpi", "triple", NULL};

static void write_register(const struct generic_address *where, uint8_t value) {
    if (where->space == SPACE_IO) {
        write_port8((uint16_t)where->address, value);
    } else if (where->space == SPACE_MEMORY) {
        *(volatile uint8_t *)memory_map_physical(where->address, 1) = value;
    } else {
        print("end: register in address space %u\n", where->space);
    }
}

static int end_by_acpi(bool is_reset) {
    const struct acpi_header *fadt = acpi_table("FACP");
    if (!fadt) {
        print("end: no FADT\n");
        return EXIT_UNAVAILABLE;
    }
    const uint8_t *bytes = (const uint8_t *)fadt;
    uint32_t flags = 0;
    struct generic_address where = {0};
    uint32_t offset = is_reset ? FADT_RESET_REGISTER : FADT_SLEEP_CONTROL;
    uint32_t needed = is_reset ? FADT_RESET_SUPPORTED : FADT_HARDWARE_REDUCED;
    if (fadt->length >= FADT_FLAGS + sizeof flags) memcpy(&flags, bytes + FADT_FLAGS, sizeof flags);
    if (fadt->length > offset + sizeof where) memcpy(&where, bytes + offset, sizeof where);
    if (!(flags & needed) || !where.address) {
        print("end: the FADT (flags 0x%x) offers no %s\n", flags, is_reset ? "reset register" : "sleep control register");
        return EXIT_UNAVAILABLE;
    }
    write_register(&where, is_reset ? bytes[FADT_RESET_VALUE] : SLEEP_CONTROL_S5);
    time_wait_microseconds(TAKES_EFFECT_MICROSECONDS);
    print("end: the machine did not react\n");
    return EXIT_UNAVAILABLE;
}

int program(void) {
    uint64_t code = 0;
    const struct parameter parameters[] = {TEXT("kind", &kind, kinds), NUMBER_UP_TO("code", &code, 255)};
    ARGUMENTS_READ(parameters);

    time_tsc_khz(); // may print: before the end, not after
    print("end kind=%s\n", kind);
    if (text_equal(kind, "reset-i8042")) in_ring0(ring0_reset_by_keyboard_controller, 0, 0, 0);
    if (text_equal(kind, "triple")) in_ring0(ring0_triple_fault, 0, 0, 0);
    if (text_equal(kind, "reset-acpi")) return end_by_acpi(true);
    if (text_equal(kind, "poweroff-acpi")) return end_by_acpi(false);
    return (int)code;
}

// ACPI tables, as many as the guests need: found by signature, refused if the checksum is wrong.
#pragma once
#include <stdint.h>

struct __attribute__((packed)) acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
};
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.5, 5.2.6");

// Null if there is none. What is wrong with a table, or the way to it, is printed.
const struct acpi_header *acpi_table(const char signature[4]);

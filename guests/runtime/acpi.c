#include "acpi.h"

#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "text.h"

#define RSDP_SEARCH_START 0xe0000
#define RSDP_SEARCH_END 0x100000
#define RSDP_ALIGNMENT 16
#define RSDP_V1_BYTES 20
#define MAX_TABLE_BYTES 0x100000

struct __attribute__((packed)) acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; // from here on revision 2
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
};
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.5, 5.2.5.3");

static bool sum_is_zero(const void *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return sum == 0;
}

static const struct acpi_rsdp *search_rsdp(void) {
    for (uint64_t address = RSDP_SEARCH_START; address < RSDP_SEARCH_END; address += RSDP_ALIGNMENT) {
        const struct acpi_rsdp *rsdp = (const void *)address;
        if (!memcmp(rsdp->signature, "RSD PTR ", 8) && sum_is_zero(rsdp, RSDP_V1_BYTES)) return rsdp;
    }
    return NULL;
}

static const struct acpi_rsdp *find_rsdp(void) {
    if (!machine.rsdp) return search_rsdp();
    const struct acpi_rsdp *rsdp = memory_map_physical(machine.rsdp, sizeof *rsdp);
    if (!memcmp(rsdp->signature, "RSD PTR ", 8) && sum_is_zero(rsdp, RSDP_V1_BYTES)) return rsdp;
    print("acpi: no valid RSDP at 0x%lx, where the VMM said\n", machine.rsdp);
    return NULL;
}

static const struct acpi_header *table_at(uint64_t address) {
    const struct acpi_header *table = memory_map_physical(address, sizeof *table);
    if (table->length < sizeof *table || table->length > MAX_TABLE_BYTES) {
        print("acpi: table at 0x%lx has the impossible length %u\n", address, table->length);
        return NULL;
    }
    memory_map_physical(address, table->length);
    if (sum_is_zero(table, table->length)) return table;
    print("acpi: table at 0x%lx has a wrong checksum\n", address);
    return NULL;
}

const struct acpi_header *acpi_table(const char signature[4]) {
    const struct acpi_rsdp *rsdp = find_rsdp();
    if (!rsdp) return NULL;
    bool has_xsdt = rsdp->revision >= 2 && rsdp->xsdt;
    const struct acpi_header *root = table_at(has_xsdt ? rsdp->xsdt : rsdp->rsdt);
    if (!root) return NULL;
    size_t entry_bytes = has_xsdt ? sizeof(uint64_t) : sizeof(uint32_t);
    const uint8_t *entries = (const uint8_t *)(root + 1);
    for (size_t i = 0; i < (root->length - sizeof *root) / entry_bytes; i++) {
        uint64_t address = 0;
        memcpy(&address, entries + i * entry_bytes, entry_bytes);
        const struct acpi_header *table = memory_map_physical(address, sizeof *table);
        if (!memcmp(table->signature, signature, sizeof table->signature)) return table_at(address);
    }
    return NULL;
}

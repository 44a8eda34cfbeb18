// First C code in ring 3: takes what the VMM left in low memory into the guest's own, runs the program, exits.
#include "machine.h"

#include "layout.h"
#include "memory.h"
#include "ring0.h"
#include "text.h"

#define PVH_MAGIC 0x336ec578
#define MEMORY_TYPE_RAM 1

struct pvh_start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t module_list, command_line, rsdp;
    uint64_t memory_map; // these three from version 1 on
    uint32_t memory_map_entries, reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "struct hvm_start_info of Xen's public ABI");

struct pvh_memory_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};
_Static_assert(sizeof(struct pvh_memory_entry) == 24, "struct hvm_memmap_table_entry of Xen's public ABI");

struct __attribute__((packed)) e820_entry {
    uint64_t start, size;
    uint32_t type;
};
_Static_assert(sizeof(struct e820_entry) == 20, "struct boot_e820_entry of Linux");

// Offsets in struct boot_params, Documentation/arch/x86/zero-page.rst.
#define BOOT_PARAMS_BYTES 4096
#define BOOT_PARAMS_RSDP 0x70
#define BOOT_PARAMS_COMMAND_LINE_HIGH 0xc8
#define BOOT_PARAMS_E820_ENTRIES 0x1e8
#define BOOT_PARAMS_COMMAND_LINE 0x228
#define BOOT_PARAMS_E820_TABLE 0x2d0
#define BOOT_PARAMS_E820_CAPACITY 128

struct machine machine;

extern char ring3_zeroed_start[], ring3_zeroed_end[];

static void copy_command_line(uint64_t address) {
    if (!address) return;
    const char *from = memory_map_physical(address, MAX_COMMAND_LINE);
    for (size_t i = 0; i < MAX_COMMAND_LINE - 1 && from[i]; i++) machine.command_line[i] = from[i];
}

static void add_region(uint64_t start, uint64_t size, uint32_t type) {
    if (type != MEMORY_TYPE_RAM || !size || machine.region_count == MAX_MEMORY_REGIONS) return;
    machine.regions[machine.region_count++] = (struct memory_region){start, size};
}

static void read_pvh(uint64_t address) {
    machine.protocol = "PVH";
    const struct pvh_start_info *info = memory_map_physical(address, sizeof *info);
    if (info->magic != PVH_MAGIC) return;
    copy_command_line(info->command_line);
    machine.rsdp = info->rsdp;
    if (info->version < 1) return;
    const struct pvh_memory_entry *entries =
        memory_map_physical(info->memory_map, info->memory_map_entries * sizeof *entries);
    for (uint32_t i = 0; i < info->memory_map_entries; i++) add_region(entries[i].start, entries[i].size, entries[i].type);
}

static void read_linux64(uint64_t address) {
    machine.protocol = "64-bit";
    const uint8_t *parameters = memory_map_physical(address, BOOT_PARAMS_BYTES);
    uint32_t low, high;
    memcpy(&low, parameters + BOOT_PARAMS_COMMAND_LINE, sizeof low);
    memcpy(&high, parameters + BOOT_PARAMS_COMMAND_LINE_HIGH, sizeof high);
    memcpy(&machine.rsdp, parameters + BOOT_PARAMS_RSDP, sizeof machine.rsdp);
    copy_command_line((uint64_t)high << 32 | low);
    const struct e820_entry *entries = (const void *)(parameters + BOOT_PARAMS_E820_TABLE);
    unsigned count = parameters[BOOT_PARAMS_E820_ENTRIES];
    if (count > BOOT_PARAMS_E820_CAPACITY) count = BOOT_PARAMS_E820_CAPACITY;
    for (unsigned i = 0; i < count; i++) add_region(entries[i].start, entries[i].size, entries[i].type);
}

uint64_t machine_memory_bytes(void) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < machine.region_count; i++) bytes += machine.regions[i].size;
    return bytes;
}

void machine_exit(int code) {
    in_ring0(ring0_machine_exit, code, 0, 0);
    __builtin_unreachable();
}

void machine_halt(void) {
    in_ring0(ring0_halt_for_ever, 0, 0, 0);
    __builtin_unreachable();
}

// boot.S comes here.
_Noreturn void runtime_start(uint64_t protocol, uint64_t information);

void runtime_start(uint64_t protocol, uint64_t information) {
    // A VMM that restarts a guest in place need not have loaded it again.
    memset(ring3_zeroed_start, 0, (size_t)(ring3_zeroed_end - ring3_zeroed_start));
    if (protocol == BOOT_PROTOCOL_PVH) {
        read_pvh(information);
    } else {
        read_linux64(information);
    }
    machine_exit(program());
}

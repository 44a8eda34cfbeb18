// The practical limit: a virtual machine monitor that makes only the KVM calls. See README.md.
//
//     raw [--memory MIB] [--cmdline TEXT] [--no-irqchip] [--stay] KERNEL
//
// Boots a PVH ELF on one virtual CPU. Bytes written to port 0x3f8 go to standard output one by one, a value
// written to port 0xf4 ends the process with it, and every other port and address is nothing.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

enum {
    MAX_CPUID_ENTRIES = 256,
    MAX_NOTES_SIZE = 4096,
    PVH_ENTRY_NOTE = 18, // XEN_ELFNOTE_PHYS32_ENTRY
    SERIAL_DATA_PORT = 0x3f8,
    SERIAL_LINE_STATUS_PORT = 0x3fd,
    SERIAL_TRANSMITTER_EMPTY = 0x60,
    DEBUG_EXIT_PORT = 0xf4,
};

// Where the boot information lies in guest memory.
enum {
    START_INFO = 0x1000,
    MEMORY_MAP = 0x1100,
    COMMAND_LINE = 0x2000,
    MAX_COMMAND_LINE = 2048,
    FIRST_MIB = 0x100000,
    CONVENTIONAL_END = 0xa0000,
};

// xen/include/public/arch-x86/hvm/start_info.h, version 1.
struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t module_list, command_line, rsdp, memory_map;
    uint32_t memory_map_count, reserved;
};

struct memory_map_entry {
    uint64_t address, size;
    uint32_t type, reserved;
};

static void fail(const char *what) {
    fprintf(stderr, "raw: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

static int checked(int result, const char *what) {
    if (result < 0) fail(what);
    return result;
}

static void read_at(int file, void *buffer, size_t size, off_t offset, const char *what) {
    ssize_t count = pread(file, buffer, size, offset);
    if (count == (ssize_t)size) return;
    if (count >= 0) errno = ENOEXEC;
    fail(what);
}

// The entry point in a PT_NOTE segment, or 0.
static uint32_t pvh_entry(int file, const Elf64_Phdr *segment) {
    _Alignas(4) uint8_t notes[MAX_NOTES_SIZE];
    size_t size = segment->p_filesz;
    if (size > sizeof notes) return 0;
    read_at(file, notes, size, segment->p_offset, "read the kernel's notes");
    for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= size;) {
        const Elf64_Nhdr *note = (const void *)(notes + at);
        size_t name = at + sizeof *note, value = name + ((note->n_namesz + 3) & ~3u);
        if (value + 4 > size) break;
        if (note->n_type == PVH_ENTRY_NOTE && !memcmp(notes + name, "Xen", 4)) {
            return *(const uint32_t *)(const void *)(notes + value);
        }
        at = value + ((note->n_descsz + 3) & ~3u);
    }
    return 0;
}

// Loads an ELF kernel's segments; answers its PVH entry point.
static uint32_t load(const char *path, uint8_t *memory, uint64_t memory_size) {
    int file = checked(open(path, O_RDONLY | O_CLOEXEC), "open the kernel");
    Elf64_Ehdr header;
    read_at(file, &header, sizeof header, 0, "read the kernel");
    Elf64_Phdr segments[16];
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_phnum > 16) {
        errno = ENOEXEC;
        fail("load the kernel");
    }
    read_at(file, segments, header.e_phnum * sizeof *segments, header.e_phoff, "read the kernel's headers");
    uint32_t entry = 0;
    for (int i = 0; i < header.e_phnum; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type == PT_NOTE && !entry) entry = pvh_entry(file, segment);
        if (segment->p_type != PT_LOAD) continue;
        if (segment->p_paddr > memory_size || segment->p_filesz > memory_size - segment->p_paddr) {
            errno = ENOMEM;
            fail("load the kernel");
        }
        read_at(file, memory + segment->p_paddr, segment->p_filesz, segment->p_offset, "read the kernel");
    }
    if (!entry) {
        errno = ENOEXEC;
        fail("find the kernel's PVH entry");
    }
    close(file);
    return entry;
}

static void write_start_info(uint8_t *memory, uint64_t memory_size, const char *command_line) {
    struct memory_map_entry map[] = {
        {.size = CONVENTIONAL_END, .type = 1},
        {.address = FIRST_MIB, .size = memory_size - FIRST_MIB, .type = 1},
    };
    struct start_info info = {
        .magic = 0x336ec578, .version = 1, .command_line = COMMAND_LINE,
        .memory_map = MEMORY_MAP, .memory_map_count = 2,
    };
    memcpy(memory + START_INFO, &info, sizeof info);
    memcpy(memory + MEMORY_MAP, map, sizeof map);
    strncpy((char *)memory + COMMAND_LINE, command_line, MAX_COMMAND_LINE - 1);
}

static void set_cpuid(int kvm, int cpu) {
    // The table's entries follow its header.
    static _Alignas(struct kvm_cpuid2) uint8_t
        storage[sizeof(struct kvm_cpuid2) + MAX_CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
    struct kvm_cpuid2 *table = (void *)storage;
    table->nent = MAX_CPUID_ENTRIES;
    checked(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table), "get the CPUID table");
    checked(ioctl(cpu, KVM_SET_CPUID2, table), "set the CPUID table");
}

// The state PVH asks for: 32-bit protected mode, flat segments, paging off, %ebx = start info.
static void set_registers(int cpu, uint32_t entry) {
    struct kvm_sregs special;
    checked(ioctl(cpu, KVM_GET_SREGS, &special), "get the special registers");
    struct kvm_segment code = {.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_segment data = code, task = {.limit = 0x67, .type = 11, .present = 1};
    data.selector = 16;
    data.type = 3;
    special.cs = code;
    special.ds = special.es = special.fs = special.gs = special.ss = data;
    special.tr = task;
    special.cr0 = 1;
    special.cr4 = 0;
    checked(ioctl(cpu, KVM_SET_SREGS, &special), "set the special registers");
    struct kvm_regs general = {.rip = entry, .rbx = START_INFO, .rflags = 2};
    checked(ioctl(cpu, KVM_SET_REGS, &general), "set the registers");
}

static void serve_port(struct kvm_run *run) {
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    if (run->io.direction == KVM_EXIT_IO_IN) {
        // A transmitter that is always ready; all ones where nothing is.
        memset(data, run->io.port == SERIAL_LINE_STATUS_PORT ? SERIAL_TRANSMITTER_EMPTY : 0xff,
               (size_t)run->io.size * run->io.count);
    } else if (run->io.port == SERIAL_DATA_PORT) {
        if (write(STDOUT_FILENO, data, (size_t)run->io.size * run->io.count) < 0) fail("write the console");
    } else if (run->io.port == DEBUG_EXIT_PORT) {
        _exit(*data);
    }
}

static void run_until_end(int cpu, struct kvm_run *run) {
    for (;;) {
        if (ioctl(cpu, KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN) fail("run");
        switch (run->exit_reason) {
        case KVM_EXIT_IO: serve_port(run); break;
        case KVM_EXIT_MMIO:
            if (!run->mmio.is_write) memset(run->mmio.data, 0xff, sizeof run->mmio.data);
            break;
        case KVM_EXIT_HLT: pause(); break; // Without an interrupt controller nothing can wake it.
        case KVM_EXIT_IOAPIC_EOI:
        case KVM_EXIT_INTR: break;
        default: fprintf(stderr, "raw: the guest ended with exit reason %u\n", run->exit_reason); _exit(1);
        }
    }
}

int main(int count, char **arguments) {
    uint64_t memory_size = 128 << 20;
    const char *command_line = "", *kernel = NULL;
    bool has_irqchip = true;
    for (int i = 1; i < count; i++) {
        if (!strcmp(arguments[i], "--memory") && i + 1 < count) memory_size = strtoull(arguments[++i], NULL, 10) << 20;
        else if (!strcmp(arguments[i], "--cmdline") && i + 1 < count) command_line = arguments[++i];
        else if (!strcmp(arguments[i], "--no-irqchip")) has_irqchip = false;
        else if (!strcmp(arguments[i], "--stay")) command_line = "stay"; // as guests/programs/first.S has it
        else kernel = arguments[i];
    }
    if (!kernel || memory_size < 2 * FIRST_MIB) {
        fputs("usage: raw [--memory MIB] [--cmdline TEXT] [--no-irqchip] [--stay] KERNEL\n", stderr);
        return 64;
    }

    int kvm = checked(open("/dev/kvm", O_RDWR | O_CLOEXEC), "open /dev/kvm");
    int vm = checked(ioctl(kvm, KVM_CREATE_VM, 0), "create a virtual machine");
    uint8_t *memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("map the guest's memory");
    struct kvm_userspace_memory_region slot = {.memory_size = memory_size, .userspace_addr = (uint64_t)memory};
    checked(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "set the memory slot");
    if (has_irqchip) {
        struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
        checked(ioctl(vm, KVM_ENABLE_CAP, &split), "split the interrupt controller");
    }
    uint32_t entry = load(kernel, memory, memory_size);
    write_start_info(memory, memory_size, command_line);

    int cpu = checked(ioctl(vm, KVM_CREATE_VCPU, 0), "create a virtual CPU");
    int run_size = checked(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "get the run page's size");
    struct kvm_run *run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (run == MAP_FAILED) fail("map the run page");
    set_cpuid(kvm, cpu);
    set_registers(cpu, entry);
    run_until_end(cpu, run);
}

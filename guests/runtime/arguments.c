#include "arguments.h"

#include <stdbool.h>

#include "console.h"
#include "machine.h"
#include "text.h"
#include "time.h"

// What VMMs put on the command line for Linux; matched up to '=' or '.'.
static const char *const linux_words[] = {
    "8250", "acpi", "apic", "clocksource", "console", "earlycon", "earlyprintk", "i8042", "ignore_loglevel", "init",
    "initrd", "ip", "loglevel", "lpj", "nmi_watchdog", "noapic", "nokaslr", "nomodule", "nomodules", "noreplace-smp",
    "notsc", "panic", "pci", "quiet", "random", "rdinit", "reboot", "ro", "root", "rootflags", "rootfstype", "rw",
    "selinux", "swiotlb", "tsc", "virtio_mmio",
};

static const struct parameter common_parameters[] = {NUMBER_UP_TO("tsc_khz", &time_tsc_khz_argument, 1000000000)};

static bool is_linux_word(const char *word) {
    for (size_t i = 0; i < sizeof linux_words / sizeof *linux_words; i++) {
        size_t length = text_length(linux_words[i]);
        if (memcmp(word, linux_words[i], length)) continue;
        if (!word[length] || word[length] == '=' || word[length] == '.') return true;
    }
    return false;
}

static const struct parameter *find(const struct parameter *parameters, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++) {
        size_t length = text_length(parameters[i].key);
        if (!memcmp(word, parameters[i].key, length) && word[length] == '=') return &parameters[i];
    }
    return NULL;
}

static _Noreturn void refuse(const char *word, const char *reason) {
    print("arguments: %s: %s\n", word, reason);
    machine_exit(EXIT_USAGE);
}

static void set_number(const struct parameter *parameter, const char *word, const char *value) {
    if (!text_to_number(value, parameter->number)) refuse(word, "not a number");
    if (!parameter->limit || *parameter->number <= parameter->limit) return;
    print("arguments: %s: more than %lu\n", word, parameter->limit);
    machine_exit(EXIT_USAGE);
}

static void set_text(const struct parameter *parameter, const char *word, const char *value) {
    *parameter->text = value;
    if (!parameter->choices) return;
    for (size_t i = 0; parameter->choices[i]; i++) {
        if (text_equal(value, parameter->choices[i])) return;
    }
    print("arguments: %s: choose one of", word);
    for (size_t i = 0; parameter->choices[i]; i++) print(" %s", parameter->choices[i]);
    print("\n");
    machine_exit(EXIT_USAGE);
}

void arguments_read(const struct parameter *parameters, size_t count) {
    // The words of this copy stay: text parameters point into it.
    static char words[MAX_COMMAND_LINE];
    memcpy(words, machine.command_line, sizeof words);
    char *next = words;
    for (;;) {
        while (*next == ' ' || *next == '\t' || *next == '\n') next++;
        if (!*next) return;
        char *word = next;
        while (*next && *next != ' ' && *next != '\t' && *next != '\n') next++;
        if (*next) *next++ = 0;

        const struct parameter *parameter = find(parameters, count, word);
        if (!parameter) parameter = find(common_parameters, sizeof common_parameters / sizeof *common_parameters, word);
        if (!parameter) {
            if (!is_linux_word(word)) print("note: unknown argument %s ignored\n", word);
            continue;
        }
        const char *value = word + text_length(parameter->key) + 1;
        if (parameter->number) {
            set_number(parameter, word, value);
        } else {
            set_text(parameter, word, value);
        }
    }
}

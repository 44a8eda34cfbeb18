// The smallest proof of life: where it runs, what it was told, what it found.
#include "arguments.h"
#include "console.h"
#include "machine.h"
#include "time.h"

// boot.S sends this before anything else, so that the time to the first serial byte is that of the VMM.
const char early_console_byte = 'h';

int program(void) {
    uint64_t selector;
    __asm__("mov %%cs, %0" : "=r"(selector));
    print("ello from ring %lu\n", selector & 3);

    uint64_t code = 0;
    const struct parameter parameters[] = {NUMBER_UP_TO("code", &code, 255)};
    ARGUMENTS_READ(parameters);

    uint64_t khz = time_tsc_khz();
    print("entry protocol: %s\ncommand line: %s\nmemory: %lu MiB\ntsc: %lu.%03lu MHz\n", machine.protocol,
          machine.command_line, machine_memory_bytes() >> 20, khz / 1000, khz % 1000);
    return (int)code;
}

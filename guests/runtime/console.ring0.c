#include <stdbool.h>

#include "console.h"
#include "processor.h"
#include "serial.h"

// A transmitter that stays busy must not hang the guest: after this many looks (some 20 ms) the bytes go out anyway.
#define TRANSMITTER_POLLS 4096

static size_t bytes_per_poll;

static void wait_for_transmitter(void) {
    for (unsigned polls = 0; polls < TRANSMITTER_POLLS; polls++) {
        if (read_port8(SERIAL_LINE_STATUS) & LINE_STATUS_TRANSMITTER_EMPTY) return;
    }
}

static void start_transmitter(void) {
    write_port8(SERIAL_LINE_CONTROL, 3);  // 8 bits, no parity, 1 stop bit
    write_port8(SERIAL_FIFO_CONTROL, 1);
    bool has_fifo = (read_port8(SERIAL_INTERRUPT_IDENTIFICATION) & 0xc0) == 0xc0;
    bytes_per_poll = has_fifo ? SERIAL_FIFO_BYTES : 1;
}

void ring0_console_write(const char *bytes, size_t size) {
    while (size) {
        wait_for_transmitter();
        // Only now: to switch the FIFO on empties it, and an early byte (boot.S) may have been in it.
        if (!bytes_per_poll) start_transmitter();
        for (size_t batch = bytes_per_poll; batch && size; batch--, size--) write_port8(SERIAL_DATA, (uint8_t)*bytes++);
    }
}

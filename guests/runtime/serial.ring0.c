#include "serial.h"

#include "processor.h"

void ring0_serial_enable_receive_interrupts(void) {
    write_port8(SERIAL_FIFO_CONTROL, 1);      // interrupt at the first byte
    write_port8(SERIAL_MODEM_CONTROL, 0x0b);  // DTR, RTS, and OUT2, which gates the interrupt line of a PC
    write_port8(SERIAL_INTERRUPT_ENABLE, 1);  // received data
}

void ring0_serial_interrupt(void) {
    while (read_port8(SERIAL_LINE_STATUS) & LINE_STATUS_DATA_READY) {
        char byte = (char)read_port8(SERIAL_DATA);
        uint64_t count = serial_received_count;
        if (count == SERIAL_RECEIVED_CAPACITY) continue;
        serial_received[count] = byte;
        serial_received_count = count + 1;
    }
}

#include "serial.h"

#include "apic.h"
#include "ring0.h"

volatile uint64_t serial_received_count;
volatile char serial_received[SERIAL_RECEIVED_CAPACITY];

void serial_enable_receive_interrupts(void) {
    io_apic_route(SERIAL_IRQ, VECTOR_SERIAL);
    in_ring0(ring0_serial_enable_receive_interrupts, 0, 0, 0);
}

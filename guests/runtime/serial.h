// The registers of a 16550 at COM1.
#pragma once
#include <stdint.h>

#include "layout.h"

#define SERIAL_DATA COM1_PORT
#define SERIAL_INTERRUPT_ENABLE (COM1_PORT + 1)
#define SERIAL_FIFO_CONTROL (COM1_PORT + 2)            // on write
#define SERIAL_INTERRUPT_IDENTIFICATION (COM1_PORT + 2) // on read
#define SERIAL_LINE_CONTROL (COM1_PORT + 3)
#define SERIAL_MODEM_CONTROL (COM1_PORT + 4)
#define SERIAL_LINE_STATUS (COM1_PORT + 5)

#define LINE_STATUS_DATA_READY 0x01
#define LINE_STATUS_TRANSMITTER_EMPTY 0x20 // holding register, or the whole FIFO

#define SERIAL_IRQ 4
#define SERIAL_FIFO_BYTES 16
#define SERIAL_RECEIVED_CAPACITY 4096

// Filled by the interrupt handler of serial.ring0.c, at the most SERIAL_RECEIVED_CAPACITY bytes.
extern volatile uint64_t serial_received_count;
extern volatile char serial_received[SERIAL_RECEIVED_CAPACITY];

// Programs the I/O APIC pin and the device: bytes received from now on raise VECTOR_SERIAL on this cpu.
void serial_enable_receive_interrupts(void);

void ring0_serial_enable_receive_interrupts(void);
void ring0_serial_interrupt(void);

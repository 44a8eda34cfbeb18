// Where virtio-mmio devices may be.
#pragma once
#include <stdint.h>

// Calls for every place: those of the command line, else those of Roost and of QEMU's microvm.
void places_find(void (*found)(uint64_t address, unsigned interrupt));

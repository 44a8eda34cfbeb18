// Address space: everything is identity-mapped, but only on request.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096

// Makes [address, address + size) accessible to ring 3 (but for the ring-0 page) and returns the address as a pointer.
void *memory_map_physical(uint64_t address, size_t size);

// The first byte behind the guest's image, page-aligned.
uint64_t memory_image_end(void);

// memory.ring0.c
void ring0_link_page_directory(uint64_t gib, uint64_t directory);

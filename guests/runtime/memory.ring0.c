#include "memory.h"

#define PRESENT_WRITE_USER 0x07

extern volatile uint64_t page_directory_pointers[512];

void ring0_link_page_directory(uint64_t gib, uint64_t directory) {
    page_directory_pointers[gib] = directory | PRESENT_WRITE_USER;
    uint64_t page_map;
    __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(page_map)::"memory");
}

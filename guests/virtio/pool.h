// RAM above the guest's image, handed out from the bottom up and never taken back.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Zeroed, mapped, at its physical address; page-aligned if it is a page or more, else to 64 bytes. Ends the guest with
// EXIT_UNAVAILABLE if there is not that much.
void *pool_take(size_t bytes);

// What is left, in whole pages of one piece; nothing more can be taken afterwards. Mapped, not zeroed.
uint64_t pool_take_rest(uint64_t *start);

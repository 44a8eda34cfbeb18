// Numbers that look random and repeat with their seed: xorshift64*.
#pragma once
#include <stdint.h>

struct random {
    uint64_t state; // never 0
};

static inline struct random random_from(uint64_t seed) {
    return (struct random){(seed + 1) * 0x9e3779b97f4a7c15 | 1};
}

static inline uint64_t random_next(struct random *random) {
    uint64_t state = random->state;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    random->state = state;
    return state * 0x2545f4914f6cdd1d;
}

static inline uint64_t random_below(struct random *random, uint64_t limit) {
    return random_next(random) % limit;
}

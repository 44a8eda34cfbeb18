// How often which values came, in memory of fixed size: each is known to a sixteenth.
#pragma once
#include <stdint.h>

#define HISTOGRAM_STEPS 16

struct histogram {
    uint64_t count, largest;
    uint64_t buckets[(64 - 3) * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

// The value that so many in a thousand do not exceed, rounded up to its bucket's end; 0 if there are none.
uint64_t histogram_percentile(const struct histogram *histogram, unsigned thousandths);

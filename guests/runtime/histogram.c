#include "histogram.h"

// Values below the number of steps have buckets of their own, then each power of two has that many.
static unsigned bucket_of(uint64_t value) {
    if (value < HISTOGRAM_STEPS) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - 4;
    return (shift + 1) * HISTOGRAM_STEPS + (unsigned)(value >> shift) - HISTOGRAM_STEPS;
}

static uint64_t end_of_bucket(unsigned bucket) {
    if (bucket < HISTOGRAM_STEPS) return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    return ((uint64_t)(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->count++;
    if (value > histogram->largest) histogram->largest = value;
    histogram->buckets[bucket_of(value)]++;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned thousandths) {
    uint64_t below = 0, wanted = (histogram->count * thousandths + 999) / 1000;
    for (unsigned bucket = 0; bucket < sizeof histogram->buckets / sizeof *histogram->buckets; bucket++) {
        below += histogram->buckets[bucket];
        if (!below || below < wanted) continue;
        uint64_t end = end_of_bucket(bucket);
        return end < histogram->largest ? end : histogram->largest;
    }
    return 0;
}

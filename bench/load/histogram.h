// Latencies, to three digits: 1,024 buckets for every power of two (the idea of HdrHistogram).

#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { BUCKET_BITS = 10, MAX_POWER = 40 };

struct histogram {
  uint32_t counts[(MAX_POWER - BUCKET_BITS + 1) << BUCKET_BITS];
  int64_t total;
  int64_t max;
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, int64_t value);

// The value that `share` (0 to 1) of all do not exceed; 0 where there is none.
int64_t histogram_percentile(const struct histogram *histogram, double share);

#endif

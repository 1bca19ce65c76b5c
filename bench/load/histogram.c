#include "histogram.h"

#include <math.h>
#include <string.h>

enum { BUCKETS = 1 << BUCKET_BITS };

void histogram_clear(struct histogram *histogram) { memset(histogram, 0, sizeof *histogram); }

// Values below BUCKETS are their own index; above, the power of two and the BUCKET_BITS bits behind the leading one.
static int index_of(int64_t value) {
  if (value < BUCKETS) return value < 0 ? 0 : (int)value;
  int power = 63 - __builtin_clzll((unsigned long long)value);
  if (power >= MAX_POWER) return ((MAX_POWER - BUCKET_BITS + 1) << BUCKET_BITS) - 1;
  int shift = power - BUCKET_BITS;
  return ((shift + 1) << BUCKET_BITS) + (int)((value >> shift) - BUCKETS);
}

static int64_t value_of(int index) {
  if (index < BUCKETS) return index;
  int shift = (index >> BUCKET_BITS) - 1;
  return (int64_t)(BUCKETS + (index & (BUCKETS - 1))) << shift;
}

void histogram_add(struct histogram *histogram, int64_t value) {
  histogram->counts[index_of(value)]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

int64_t histogram_percentile(const struct histogram *histogram, double share) {
  int64_t wanted = (int64_t)ceil(share * (double)histogram->total);
  int64_t passed = 0;
  int buckets = sizeof histogram->counts / sizeof histogram->counts[0];
  for (int index = 0; index < buckets; index++) {
    passed += histogram->counts[index];
    if (passed > 0 && passed >= wanted) return value_of(index);
  }
  return 0;
}

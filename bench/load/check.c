// The scanner, the tally, the mirror and the histogram without sockets, for the tests beside them.
//
// test → program                                        program → test
//   expect CHANNELS SUBSCRIBERS EVENTS PUBLISHERS BYTES   {"expecting": true}    so many subscribers of each channel
//   read INDEX BYTES                                      {"read": null | reason}
//   reflect INDEX BYTES                                   {"read": null | reason}    the mirror's
//   tell                                                  {"missing": subscribers, "each": deliveries, "last": events}
//   percentiles VALUE…                                    {"p50": value, "p99": value, "max": value}

#include <stdlib.h>
#include <string.h>

#include "mirror.h"
#include "scanner.h"
#include "wire.h"

enum { MAX_READERS = 100 };

static struct reader readers[MAX_READERS];
static size_t offsets[MAX_READERS];
static struct mirror mirror;
static struct tally *tally;
static int count;

static void expect(int channels, int subscribers, long events, int publishers, int event_bytes) {
  int *counts = calloc(channels, sizeof *counts);
  count = channels * subscribers;
  for (int n = 0; n < channels; n++) counts[n] = subscribers;
  for (int n = 0; n < count; n++) readers[n] = (struct reader){.channel = n % channels};
  memset(offsets, 0, sizeof offsets);
  mirror.length = 0;
  tally_free(tally);
  tally = tally_new(channels, counts, events, publishers, event_bytes);
  free(counts);
  say("{\"expecting\": true}");
}

static void say_verdict(const char *wrong) {
  if (wrong == NULL) say("{\"read\": null}");
  else say("{\"read\": \"%s\"}", wrong);
}

static const char *read_bytes(int index, struct bytes bytes) {
  char *buffer = malloc(HEADROOM + bytes.length);
  memcpy(buffer + HEADROOM, bytes.at, bytes.length);
  const char *wrong = scan(&readers[index], tally, buffer + HEADROOM, bytes.length, monotonic_ns());
  free(buffer);
  return wrong;
}

static const char *reflect(int index, struct bytes bytes) {
  const char *wrong = mirror_read(&mirror, offsets[index], bytes.at, bytes.length);
  offsets[index] += bytes.length;
  return wrong;
}

static int missing(void) {
  int sum = 0;
  for (int n = 0; n < count; n++) sum += readers[n].events != tally->channels[readers[n].channel].expected;
  return sum;
}

static void tell(void) {
  say("{\"missing\": %d, \"each\": %ld, \"last\": %ld}", missing(), (long)tally->each.total, (long)tally->last.total);
}

static void say_percentiles(char **values, int value_count) {
  static struct histogram histogram;
  histogram_clear(&histogram);
  for (int n = 0; n < value_count; n++) histogram_add(&histogram, atoll(values[n]));
  say("{\"p50\": %ld, \"p99\": %ld, \"max\": %ld}", (long)histogram_percentile(&histogram, 0.5),
      (long)histogram_percentile(&histogram, 0.99), (long)histogram.max);
}

static void obey(char **words, int word_count) {
  if (strcmp(words[0], "expect") == 0 && word_count == 6)
    expect(atoi(words[1]), atoi(words[2]), atol(words[3]), atoi(words[4]), atoi(words[5]));
  else if (strcmp(words[0], "read") == 0) say_verdict(read_bytes(atoi(words[1]), bytes_of(words[2])));
  else if (strcmp(words[0], "reflect") == 0) say_verdict(reflect(atoi(words[1]), bytes_of(words[2])));
  else if (strcmp(words[0], "percentiles") == 0) say_percentiles(words + 1, word_count - 1);
  else tell();
}

int main(void) {
  for (;;) commands_read(obey);
}

// Finds the events in a subscriber's byte stream, whatever the protocol: an event is what looks like one, all else (heads,
// frame headers, ids, pings) is passed over. It may be cut by the ends of reads, and by HTTP chunk boundaries.

#ifndef SCANNER_H
#define SCANNER_H

#include <stddef.h>

#include "tally.h"

enum { HEADROOM = 512 };

struct reader {
  int channel;
  long events;
  int carried; // bytes of an event that is not whole yet
  char carry[HEADROOM];
};

// Takes bytes[0, length); there must be HEADROOM writable bytes in front of them.
// Returns what is wrong with them, or NULL.
const char *scan(struct reader *reader, struct tally *tally, char *bytes, size_t length, int64_t now);

#endif

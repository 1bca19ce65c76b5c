#include "scanner.h"

#include <ctype.h>
#include <string.h>

enum { INCOMPLETE = 0, NO_EVENT = -1, DAMAGED = -2 };

// The length of the chunk boundary CR LF HEX… CR LF at `at`; INCOMPLETE, or NO_EVENT where there is none.
static long boundary(const char *at, const char *end) {
  const char *from = at;
  if (*at++ != '\r') return NO_EVENT;
  if (at < end && *at++ != '\n') return NO_EVENT;
  const char *digits = at;
  while (at < end && isxdigit((unsigned char)*at)) at++;
  if (at < end && (at == digits || *at++ != '\r')) return NO_EVENT;
  if (at == end) return INCOMPLETE;
  return *at++ == '\n' ? at - from : NO_EVENT;
}

// Copies the event at `at` to `whole`, without the chunk boundaries within it. Returns how many bytes it took, or why not.
static long take(const char *at, const char *end, char *whole, int event_bytes) {
  const char *from = at;
  for (int n = 0; n < event_bytes;) {
    if (at == end) return INCOMPLETE;
    if (event_fits(n, *at)) {
      whole[n++] = *at++;
      continue;
    }
    long skipped = boundary(at, end);
    if (skipped == NO_EVENT) return n < TIME_AT ? NO_EVENT : DAMAGED;
    if (skipped == INCOMPLETE) return INCOMPLETE;
    at += skipped;
  }
  return at - from;
}

static const char *keep(struct reader *reader, const char *at, const char *end) {
  if (end - at > HEADROOM) return "an event in too many pieces";
  reader->carried = (int)(end - at);
  memcpy(reader->carry, at, reader->carried);
  return NULL;
}

const char *scan(struct reader *reader, struct tally *tally, char *bytes, size_t length, int64_t now) {
  const char *end = bytes + length;
  const char *at = memcpy(bytes - reader->carried, reader->carry, reader->carried);
  int event_bytes = tally->event_bytes;
  char whole[MAX_EVENT_BYTES];
  reader->carried = 0;
  while ((at = memchr(at, '#', end - at)) != NULL) {
    if (end - at >= event_bytes && tally_check_known(tally, reader->channel, reader->events, at, now)) {
      reader->events++;
      at += event_bytes;
      continue;
    }
    long taken = take(at, end, whole, event_bytes);
    if (taken == INCOMPLETE) return keep(reader, at, end);
    if (taken == DAMAGED) return "a damaged event";
    if (taken == NO_EVENT) {
      at++;
      continue;
    }
    const char *wrong = tally_check(tally, reader->channel, reader->events, whole, now);
    if (wrong != NULL) return wrong;
    reader->events++;
    at += taken;
  }
  return NULL;
}

// The events of the load: "#SSSSSSS#TTTTTTTTTTTTTTTTTTT#xxx…x". S is the sequence number, T the time of the publish on the
// system's monotonic clock in nanoseconds, the rest is filler. No byte of it is changed by JSON, SSE or WebSocket.

#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SEQUENCE_DIGITS = 7,
  TIME_DIGITS = 19,
  TIME_AT = 1 + SEQUENCE_DIGITS + 1,
  EVENT_HEAD = TIME_AT + TIME_DIGITS + 1,
  MAX_EVENTS = 10 * 1000 * 1000,
  MAX_EVENT_BYTES = 256,
};

// `bytes` is the whole event's size, at least EVENT_HEAD.
void event_write(char *at, int bytes, long sequence, int64_t time);

// Whether `c` may be the n-th byte of an event.
bool event_fits(int n, char c);

// Of a whole head, as event_fits accepts it.
long event_sequence(const char *head);
int64_t event_time(const char *head);

// Whether the `bytes` long event's filler is whole.
bool event_is_filled(const char *event, int bytes);

int64_t monotonic_ns(void);

#endif

#include "event.h"

#include <string.h>
#include <time.h>

static const char MARK = '#';
static const char FILLER = 'x';
static const char filler[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

static void write_digits(char *at, int digits, int64_t value) {
  for (int n = digits - 1; n >= 0; n--, value /= 10) at[n] = (char)('0' + value % 10);
}

static int64_t read_digits(const char *at, int digits) {
  int64_t value = 0;
  for (int n = 0; n < digits; n++) value = value * 10 + at[n] - '0';
  return value;
}

void event_write(char *at, int bytes, long sequence, int64_t time) {
  memset(at, FILLER, bytes);
  at[0] = at[TIME_AT - 1] = at[EVENT_HEAD - 1] = MARK;
  write_digits(at + 1, SEQUENCE_DIGITS, sequence);
  write_digits(at + TIME_AT, TIME_DIGITS, time);
}

bool event_fits(int n, char c) {
  if (n >= EVENT_HEAD) return c == FILLER;
  if (n == 0 || n == TIME_AT - 1 || n == EVENT_HEAD - 1) return c == MARK;
  return c >= '0' && c <= '9';
}

long event_sequence(const char *head) { return (long)read_digits(head + 1, SEQUENCE_DIGITS); }

int64_t event_time(const char *head) { return read_digits(head + TIME_AT, TIME_DIGITS); }

bool event_is_filled(const char *event, int bytes) {
  return memcmp(event + EVENT_HEAD, filler, bytes - EVENT_HEAD) == 0;
}

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// What was published, and in which order it arrived: the check that a figure counts for something.
//
// Many publishers race, so nobody knows the order of a channel beforehand; but it must be one order. The first subscriber
// to see a channel's n-th event fixes it: there the event is checked (of this channel, published, not seen before, behind the
// ones of its own publisher). All others' n-th event must then be that same one, to the byte.
//
// Publisher p of P sends the sequence numbers p, p + P, p + 2P, …; event s is for channel s % C.

#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "histogram.h"

struct arrival {
  char head[EVENT_HEAD];
  int32_t awaited; // subscribers that do not have it yet
  int64_t time;    // of its publish
};

struct channel {
  struct arrival *arrivals; // in the channel's order
  long known;               // how many of them are fixed
  long expected;
  int subscribers;
  long *last_of; // a publisher's last event so far, or -1
};

struct tally {
  struct channel *channels;
  int channel_count;
  int publishers;
  long events;
  int event_bytes;
  bool *seen;
  struct histogram each; // receive time - publish time, of every delivery
  struct histogram last; // the same of each event's last delivery
};

// `subscribers` has a count for each channel.
struct tally *tally_new(int channels, const int *subscribers, long events, int publishers, int event_bytes);
void tally_free(struct tally *tally);

// Takes note of a subscriber's n-th event (from 0), whole and in one piece, received at `now`.
// Returns what is wrong with it, or NULL.
const char *tally_check(struct tally *tally, int channel, long nth, const char *event, int64_t now);

// The same for an event that is known already: true where it is the right one; false says nothing.
bool tally_check_known(struct tally *tally, int channel, long nth, const char *event, int64_t now);

#endif

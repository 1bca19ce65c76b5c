#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char problem[200];

static void begin_channel(struct tally *tally, int index, int subscribers) {
  struct channel *channel = &tally->channels[index];
  channel->expected = (tally->events - index + tally->channel_count - 1) / tally->channel_count;
  channel->arrivals = calloc(channel->expected + 1, sizeof *channel->arrivals);
  channel->subscribers = subscribers;
  channel->last_of = malloc(tally->publishers * sizeof *channel->last_of);
  for (int p = 0; p < tally->publishers; p++) channel->last_of[p] = -1;
}

struct tally *tally_new(int channels, const int *subscribers, long events, int publishers, int event_bytes) {
  struct tally *tally = calloc(1, sizeof *tally);
  tally->channels = calloc(channels, sizeof *tally->channels);
  tally->channel_count = channels;
  tally->publishers = publishers;
  tally->events = events;
  tally->event_bytes = event_bytes;
  tally->seen = calloc(events + 1, sizeof *tally->seen);
  for (int index = 0; index < channels; index++) begin_channel(tally, index, subscribers[index]);
  return tally;
}

void tally_free(struct tally *tally) {
  if (tally == NULL) return;
  for (int index = 0; index < tally->channel_count; index++) {
    free(tally->channels[index].arrivals);
    free(tally->channels[index].last_of);
  }
  free(tally->channels);
  free(tally->seen);
  free(tally);
}

static void note(struct tally *tally, struct arrival *arrival, int64_t now) {
  int64_t latency = now - arrival->time;
  histogram_add(&tally->each, latency);
  if (--arrival->awaited == 0) histogram_add(&tally->last, latency);
}

bool tally_check_known(struct tally *tally, int index, long nth, const char *event, int64_t now) {
  struct channel *channel = &tally->channels[index];
  if (nth >= channel->known) return false;
  struct arrival *arrival = &channel->arrivals[nth];
  if (memcmp(arrival->head, event, EVENT_HEAD) != 0 || !event_is_filled(event, tally->event_bytes)) return false;
  note(tally, arrival, now);
  return true;
}

static const char *refuse(struct tally *tally, int index, long nth, long sequence) {
  struct channel *channel = &tally->channels[index];
  long last = sequence < tally->events ? channel->last_of[sequence % tally->publishers] : -1;
  if (nth >= channel->expected)
    snprintf(problem, sizeof problem, "more than %ld events: #%ld", channel->expected, sequence);
  else if (nth < channel->known)
    snprintf(problem, sizeof problem, "event %ld is #%ld, others got #%ld", nth, sequence,
             event_sequence(channel->arrivals[nth].head));
  else if (sequence >= tally->events)
    snprintf(problem, sizeof problem, "event %ld was never published (#%ld)", nth, sequence);
  else if (sequence % tally->channel_count != index)
    snprintf(problem, sizeof problem, "event #%ld came on another channel", sequence);
  else if (tally->seen[sequence])
    snprintf(problem, sizeof problem, "event #%ld came twice", sequence);
  else if (sequence < last)
    snprintf(problem, sizeof problem, "event #%ld came after #%ld of the same publisher", sequence, last);
  else
    return NULL;
  return problem;
}

const char *tally_check(struct tally *tally, int index, long nth, const char *event, int64_t now) {
  if (tally_check_known(tally, index, nth, event, now)) return NULL;
  long sequence = event_sequence(event);
  const char *wrong = refuse(tally, index, nth, sequence);
  if (wrong != NULL) return wrong;
  struct channel *channel = &tally->channels[index];
  struct arrival *arrival = &channel->arrivals[nth];
  tally->seen[sequence] = true;
  channel->last_of[sequence % tally->publishers] = sequence;
  memcpy(arrival->head, event, EVENT_HEAD);
  arrival->awaited = channel->subscribers;
  arrival->time = event_time(event);
  channel->known = nth + 1;
  note(tally, arrival, now);
  return NULL;
}

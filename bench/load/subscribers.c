// All subscribers of a run, on raw sockets, in one thread.
//
// harness → program                              program → harness
//   event BYTES                                    (the event's size; 100 without)
//   opening COUNT                                  (how many open at once; 200 without)
//   step AFTER CAPTURE SEND   …                    (handshake.h)
//   ping IS ANSWER
//   target PORT COUNT CHANNEL STALLS REQUEST …     (STALLS: 1 for subscribers that never read again, and are not counted)
//   connect                                        {"connected": count}
//   expect EVENTS PUBLISHERS                       {"expecting": true}
//                                                  {"each": …}, {"last": …}, {"finished": at}   when every subscriber has
//                                                  every event: latency of each delivery, of each event's last one
//   mirror                                         {"mirroring": true}              mirror.h instead of scanner.h
//   dump FILE                                      {"dumped": bytes}
//   census                                         {"census": {open, missing, least, most, answer}}
//   disconnect                                     {"disconnected": true}           and forgets the targets
// and {"failed": reason} whenever something is wrong. Bytes are hexadecimal; `at` is in ms of the monotonic clock.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "mirror.h"
#include "scanner.h"
#include "wire.h"

enum {
  READ_BYTES = 256 * 1024,
  EVENTS_AT_ONCE = 512,
  LINGER_MS = 100, // how long to listen for events too many
  STALLED_BUFFER = 8192, // so that what a stalled one does not read stays with the server, and not in the system
  MAX_SUBSCRIBERS = 100 * 1000,
};

struct subscriber {
  int fd;
  int port;
  bool stalls;
  bool finished;
  const struct bytes *request;
  struct handshake *handshake; // while it opens
  size_t mirrored;
  struct reader reader;
};

static char buffer[HEADROOM + READ_BYTES];
static struct subscriber *subscribers[MAX_SUBSCRIBERS];
static int count, started, ready, missing, channels;
static int event_bytes = 100;
static int opening_at_once = 200; // below the listen backlog of every peer (511)
static int epoll;
static struct tally *tally;
static struct mirror *mirror;
static struct bytes ping, pong;
static int64_t finished_at;

static void start_next(void) {
  struct subscriber *subscriber = subscribers[started++];
  subscriber->fd = connect_loopback(subscriber->port, subscriber->stalls ? STALLED_BUFFER : 0);
  if (subscriber->fd < 0) return;
  subscriber->handshake = calloc(1, sizeof *subscriber->handshake);
  send(subscriber->fd, subscriber->request->at, subscriber->request->length, MSG_NOSIGNAL);
  watch(epoll, subscriber->fd, EPOLLIN, subscriber);
}

static void open_more(void) {
  while (started < count && started - ready < opening_at_once) start_next();
}

static void take_events(struct subscriber *subscriber, char *bytes, size_t length) {
  if (tally == NULL) return;
  int64_t now = monotonic_ns();
  struct reader *reader = &subscriber->reader;
  const char *wrong = scan(reader, tally, bytes, length, now);
  if (wrong != NULL) fail("%s", wrong);
  if (subscriber->finished || reader->events < tally->channels[reader->channel].expected) return;
  subscriber->finished = true;
  if (--missing == 0) finished_at = now;
}

static void take_bytes(struct subscriber *subscriber, char *bytes, size_t length) {
  if (mirror == NULL) {
    take_events(subscriber, bytes, length);
  } else {
    const char *wrong = mirror_read(mirror, subscriber->mirrored, bytes, length);
    if (wrong != NULL) fail("%s", wrong);
    subscriber->mirrored += length;
  }
  if (ping.length > 0 && length >= ping.length && memcmp(bytes + length - ping.length, ping.at, ping.length) == 0)
    send(subscriber->fd, pong.at, pong.length, MSG_NOSIGNAL);
}

static void take_handshake(struct subscriber *subscriber, const char *bytes, size_t length) {
  struct handshake *handshake = subscriber->handshake;
  struct bytes rest;
  if (!handshake_read(handshake, subscriber->fd, bytes, length, &rest)) return;
  subscriber->handshake = NULL;
  if (subscriber->stalls) epoll_ctl(epoll, EPOLL_CTL_DEL, subscriber->fd, NULL);
  else if (rest.length > 0) take_bytes(subscriber, rest.at, rest.length);
  free(handshake);
  ready++;
  open_more();
  if (ready == count) say("{\"connected\": %d}", count);
}

static void take(struct subscriber *subscriber) {
  char *bytes = buffer + HEADROOM;
  ssize_t length = recv(subscriber->fd, bytes, READ_BYTES, MSG_DONTWAIT);
  if (length > 0) {
    if (subscriber->handshake != NULL) take_handshake(subscriber, bytes, length);
    else take_bytes(subscriber, bytes, length);
  } else if (length == 0 || errno != EAGAIN) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, subscriber->fd, NULL);
    fail("the server closed a connection: %s (%d of %d subscribed)", length == 0 ? "end" : strerror(errno), ready, count);
  }
}

static void obey_target(char **words) {
  struct bytes *request = malloc(sizeof *request);
  *request = bytes_of(words[5]);
  int channel = atoi(words[3]);
  if (channel >= channels) channels = channel + 1;
  for (int n = atoi(words[2]); n > 0 && count < MAX_SUBSCRIBERS; n--) {
    struct subscriber *subscriber = calloc(1, sizeof *subscriber);
    subscriber->fd = -1;
    subscriber->port = atoi(words[1]);
    subscriber->reader.channel = channel;
    subscriber->stalls = atoi(words[4]);
    subscriber->request = request;
    subscribers[count++] = subscriber;
  }
}

static void obey_expect(long events, int publishers) {
  int *counts = calloc(channels, sizeof *counts);
  missing = 0;
  for (int n = 0; n < count; n++) {
    struct subscriber *subscriber = subscribers[n];
    subscriber->finished = subscriber->stalls;
    subscriber->reader.events = 0;
    if (subscriber->stalls) continue;
    counts[subscriber->reader.channel]++;
    missing++;
  }
  tally_free(tally);
  tally = tally_new(channels, counts, events, publishers, event_bytes);
  free(counts);
  say("{\"expecting\": true}");
}

static void obey_disconnect(void) {
  for (int n = 0; n < count; n++) {
    if (subscribers[n]->fd >= 0) close(subscribers[n]->fd);
    free(subscribers[n]->handshake);
    free(subscribers[n]);
  }
  count = started = ready = channels = 0;
  say("{\"disconnected\": true}");
}

// What the first subscriber that is not ready has been answered, as hexadecimal.
static void describe_unready(char *text, size_t capacity) {
  const struct handshake *handshake = NULL;
  for (int n = 0; n < count && handshake == NULL; n++) handshake = subscribers[n]->handshake;
  text[0] = '\0';
  for (size_t n = 0; handshake != NULL && n < handshake->length && 2 * n + 3 < capacity; n++) {
    static const char digits[] = "0123456789abcdef";
    unsigned char byte = handshake->received[n];
    memcpy(text + 2 * n, (char[]){digits[byte >> 4], digits[byte & 15], '\0'}, 3);
  }
}

static void obey_census(void) {
  char answer[800];
  size_t least = SIZE_MAX, most = 0;
  for (int n = 0; n < count; n++) {
    if (subscribers[n]->stalls) continue;
    if (subscribers[n]->mirrored < least) least = subscribers[n]->mirrored;
    if (subscribers[n]->mirrored > most) most = subscribers[n]->mirrored;
  }
  describe_unready(answer, sizeof answer);
  say("{\"census\": {\"open\": %d, \"missing\": %d, \"least\": %zu, \"most\": %zu, \"answer\": \"%s\"}}", ready, missing,
      count > 0 ? least : 0, most, answer);
}

static void obey_dump(const char *path) {
  const char *wrong = mirror_write_file(mirror, path);
  if (wrong != NULL) fail("%s", wrong);
  else say("{\"dumped\": %zu}", mirror->length);
}

static void obey(char **words, int word_count) {
  const char *command = words[0];
  if (strcmp(command, "event") == 0 && word_count == 2) event_bytes = atoi(words[1]);
  else if (strcmp(command, "opening") == 0 && word_count == 2) opening_at_once = atoi(words[1]);
  else if (strcmp(command, "step") == 0 && word_count == 4)
    handshake_add_step((struct step){bytes_of(words[1]), bytes_of(words[3]), strtoul(words[2], NULL, 10)});
  else if (strcmp(command, "ping") == 0 && word_count == 3) ping = bytes_of(words[1]), pong = bytes_of(words[2]);
  else if (strcmp(command, "target") == 0 && word_count == 6) obey_target(words);
  else if (strcmp(command, "connect") == 0) open_more();
  else if (strcmp(command, "expect") == 0 && word_count == 3) obey_expect(atol(words[1]), atoi(words[2]));
  else if (strcmp(command, "mirror") == 0) mirror = calloc(1, sizeof *mirror), say("{\"mirroring\": true}");
  else if (strcmp(command, "dump") == 0 && word_count == 2) obey_dump(bytes_of(words[1]).at);
  else if (strcmp(command, "census") == 0) obey_census();
  else if (strcmp(command, "disconnect") == 0) obey_disconnect();
  else fail("unknown command %s", command);
}

static void say_histogram(const char *name, const struct histogram *histogram) {
  say("{\"%s\": {\"count\": %ld, \"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}}", name, (long)histogram->total,
      histogram_percentile(histogram, 0.5) / 1e6, histogram_percentile(histogram, 0.99) / 1e6, histogram->max / 1e6);
}

static void report_finish(void) {
  if (finished_at == 0 || monotonic_ns() < finished_at + LINGER_MS * 1000000L) return;
  say_histogram("each", &tally->each);
  say_histogram("last", &tally->last);
  say("{\"finished\": %.6f}", finished_at / 1e6);
  finished_at = 0;
}

int main(void) {
  struct epoll_event events[EVENTS_AT_ONCE];
  raise_file_limit();
  epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, STDIN_FILENO, EPOLLIN, NULL);
  for (;;) {
    int happened = epoll_wait(epoll, events, EVENTS_AT_ONCE, finished_at > 0 ? LINGER_MS : -1);
    for (int n = 0; n < happened; n++) {
      if (events[n].data.ptr != NULL) {
        take(events[n].data.ptr);
        continue;
      }
      // It may free subscribers that are further down this list; they come again.
      commands_read(obey);
      break;
    }
    report_finish();
  }
}

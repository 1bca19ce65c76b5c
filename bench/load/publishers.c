// Keep-alive HTTP publishers on raw sockets, each with one request at a time, in one thread.
//
// harness → program                          program → harness
//   event BYTES                                (the event's size; 100 without)
//   target PORT HEAD PREFIX SUFFIX …           (event s is for target s % targets: HEAD, PREFIX, event, SUFFIX)
//   connect COUNT                              {"connected": count}
//   publish EVENTS NS BURST                    {"published": {from, to}}    BURST events every NS nanoseconds; 0: as fast as answered
//   stream EVENTS                              {"published": {from, to}}    HEAD, then lines PREFIX event SUFFIX, all in one request
// and {"failed": reason}. Publisher p of P sends the events p, p + P, …; bytes are hexadecimal; `from` and `to` are the first
// request's start and the last answer's arrival, in ms of the monotonic clock.

#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "answer.h"
#include "event.h"
#include "wire.h"

enum { MAX_TARGETS = 10000, MAX_PUBLISHERS = 1000, EVENTS_AT_ONCE = 64, ANSWER_BYTES = 65536, STREAM_LINES = 512 };

struct target {
  int port;
  struct bytes head, prefix, suffix;
};

struct publisher {
  int fd;
  bool busy;
  long next; // the sequence number it publishes next
  size_t answered;
  char answer[ANSWER_BYTES];
};

static struct target targets[MAX_TARGETS];
static struct publisher *publishers[MAX_PUBLISHERS];
static int target_count, publisher_count, epoll, timer;
static int event_bytes = 100;

static struct plan {
  long events, answers, burst, streamed;
  int64_t from, interval;
  bool streams, ended;
  char chunk[STREAM_LINES * 1024];
  size_t length, sent;
} plan;

static void open_publisher(int index) {
  struct publisher *publisher = calloc(1, sizeof *publisher);
  publisher->fd = connect_loopback(targets[0].port, 0);
  publishers[index] = publisher;
  if (publisher->fd >= 0) watch(epoll, publisher->fd, EPOLLIN, publisher);
}

static size_t append(char *to, struct bytes bytes) {
  memcpy(to, bytes.at, bytes.length);
  return bytes.length;
}

static size_t write_body(char *to, const struct target *target, long sequence, int64_t time) {
  size_t length = append(to, target->prefix);
  event_write(to + length, event_bytes, sequence, time);
  length += event_bytes;
  return length + append(to + length, target->suffix);
}

static int64_t due_at(long sequence) { return plan.from + sequence / plan.burst * plan.interval; }

static void send_next(struct publisher *publisher, int64_t time) {
  static char request[ANSWER_BYTES];
  const struct target *target = &targets[publisher->next % target_count];
  size_t length = append(request, target->head);
  length += write_body(request + length, target, publisher->next, time);
  publisher->next += publisher_count;
  publisher->busy = true;
  if (send(publisher->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("a publish could not be sent whole");
}

// Publishes what is due on connections that were free when it became so.
static void publish_due(void) {
  int64_t now = monotonic_ns();
  for (int n = 0; n < publisher_count; n++) {
    struct publisher *publisher = publishers[n];
    if (!publisher->busy && publisher->next < plan.events && due_at(publisher->next) <= now) send_next(publisher, now);
  }
}

// An event that had to wait for its connection counts from when it was due, not from when it got away.
static void publish_overdue(struct publisher *publisher) {
  int64_t now = monotonic_ns();
  if (publisher->next >= plan.events || due_at(publisher->next) > now) return;
  send_next(publisher, plan.interval > 0 ? due_at(publisher->next) : now);
}

// The next chunk of the streamed request. One of no lines ends it.
static void make_chunk(void) {
  static const char SIZE_LINE[] = "00000000\r\n";
  size_t head = sizeof SIZE_LINE - 1;
  char *to = plan.chunk;
  size_t length = head;
  plan.ended = plan.streamed == plan.events;
  int64_t now = monotonic_ns();
  for (int line = 0; line < STREAM_LINES && plan.streamed < plan.events; line++) {
    length += write_body(to + length, &targets[0], plan.streamed++, now);
    to[length++] = '\n';
  }
  memcpy(to, SIZE_LINE, head);
  for (size_t n = 8, size = length - head; n > 0; n--, size >>= 4) to[n - 1] = "0123456789abcdef"[size & 15];
  memcpy(to + length, "\r\n", 2);
  plan.length = length + 2;
  plan.sent = 0;
}

static void watch_writable(struct publisher *publisher, bool writable) {
  struct epoll_event event = {.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = publisher};
  epoll_ctl(epoll, EPOLL_CTL_MOD, publisher->fd, &event);
}

// Writes until the socket takes no more.
static void stream(struct publisher *publisher) {
  for (;;) {
    if (plan.sent == plan.length) {
      if (plan.ended) return watch_writable(publisher, false);
      make_chunk();
    }
    ssize_t sent = send(publisher->fd, plan.chunk + plan.sent, plan.length - plan.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return;
    plan.sent += sent;
  }
}

static void finish_publish(void) {
  struct itimerspec never = {0};
  timerfd_settime(timer, 0, &never, NULL);
  say("{\"published\": {\"from\": %.6f, \"to\": %.6f}}", plan.from / 1e6, monotonic_ns() / 1e6);
}

static void take_answer(struct publisher *publisher) {
  char *to = publisher->answer + publisher->answered;
  ssize_t length = recv(publisher->fd, to, ANSWER_BYTES - publisher->answered - 1, MSG_DONTWAIT);
  if (length <= 0) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, publisher->fd, NULL);
    return fail("the server closed a publisher's connection");
  }
  publisher->answered += length;
  publisher->answer[publisher->answered] = '\0';
  if (!answer_is_whole(publisher->answer)) return;
  int status = answer_status(publisher->answer);
  publisher->answered = 0;
  publisher->busy = false;
  if (status < 200 || status >= 300) return fail("a publish was answered %d", status);
  plan.answers += plan.streams ? plan.events : 1;
  if (plan.answers == plan.events) finish_publish();
  else publish_overdue(publisher);
}

static void begin(long events) {
  memset(&plan, 0, offsetof(struct plan, chunk));
  plan.events = events;
  plan.burst = 1;
  for (int n = 0; n < publisher_count; n++) publishers[n]->next = n;
  plan.from = monotonic_ns();
}

static struct timespec timespec_of(int64_t ns) { return (struct timespec){ns / 1000000000, ns % 1000000000}; }

static void obey_publish(long events, int64_t interval, long burst) {
  begin(events);
  plan.interval = interval;
  plan.burst = burst;
  struct itimerspec ticks = {timespec_of(interval), timespec_of(plan.from + interval)};
  if (interval > 0) timerfd_settime(timer, TFD_TIMER_ABSTIME, &ticks, NULL);
  publish_due();
}

static void obey_stream(long events) {
  begin(events);
  plan.streams = true;
  plan.length = append(plan.chunk, targets[0].head);
  plan.sent = 0;
  watch_writable(publishers[0], true);
}

static void obey_connect(int wanted) {
  while (publisher_count < wanted && publisher_count < MAX_PUBLISHERS) open_publisher(publisher_count++);
  say("{\"connected\": %d}", publisher_count);
}

static void obey_target(char **words) {
  if (target_count == MAX_TARGETS) return fail("too many targets");
  targets[target_count++] = (struct target){atoi(words[1]), bytes_of(words[2]), bytes_of(words[3]), bytes_of(words[4])};
}

static void obey(char **words, int count) {
  const char *command = words[0];
  if (strcmp(command, "event") == 0 && count == 2) event_bytes = atoi(words[1]);
  else if (strcmp(command, "target") == 0 && count == 5) obey_target(words);
  else if (strcmp(command, "connect") == 0 && count == 2) obey_connect(atoi(words[1]));
  else if (strcmp(command, "publish") == 0 && count == 4) obey_publish(atol(words[1]), atoll(words[2]), atol(words[3]));
  else if (strcmp(command, "stream") == 0 && count == 2) obey_stream(atol(words[1]));
  else fail("unknown command %s", command);
}

static void tick(void) {
  uint64_t ticks;
  if (read(timer, &ticks, sizeof ticks) > 0) publish_due();
}

static void take(struct publisher *publisher, unsigned happened) {
  if (happened & EPOLLOUT) stream(publisher);
  if (happened & ~EPOLLOUT) take_answer(publisher);
}

int main(void) {
  struct epoll_event events[EVENTS_AT_ONCE];
  epoll = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  watch(epoll, STDIN_FILENO, EPOLLIN, NULL);
  watch(epoll, timer, EPOLLIN, &timer);
  for (;;) {
    int happened = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
    for (int n = 0; n < happened; n++) {
      void *data = events[n].data.ptr;
      if (data == NULL) commands_read(obey);
      else if (data == &timer) tick();
      else take(data, events[n].events);
    }
  }
}

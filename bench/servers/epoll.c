// The yardstick: what it costs to write every event to every subscriber, and nothing else. One thread, one channel, one
// epoll loop, one write() a subscriber and event, SSE in one HTTP chunk; no log, no queue, no heartbeat.
//
// epoll PORT: a GET subscribes, a POST's body is an event. Whoever sends it anything stranger is cut.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_FDS = 1 << 16, REQUEST_BYTES = 4096, BATCH = 256 };

static const char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char PUBLISHED[] = "HTTP/1.1 204 No Content\r\n\r\n";

static int subscribers[MAX_FDS];
static int subscriber_count;
static int place[MAX_FDS]; // in subscribers, from 1; 0: not a subscriber

// What has come of a request that is not whole yet; few connections ever have one.
static char *partial[MAX_FDS];
static int partial_bytes[MAX_FDS];

static void die(const char *what) {
  perror(what);
  exit(1);
}

// A full socket makes the loop wait, so nothing is lost and nothing is queued. Returns 0 where the peer is gone.
static int write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written < 0 && errno != EAGAIN) return 0;
    if (written < 0) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      poll(&writable, 1, -1);
      continue;
    }
    bytes += written;
    count -= (size_t)written;
  }
  return 1;
}

static void subscribe(int fd) {
  subscribers[subscriber_count++] = fd;
  place[fd] = subscriber_count;
  write_all(fd, STREAM_HEAD, sizeof STREAM_HEAD - 1);
}

static void drop(int fd) {
  if (place[fd] > 0) {
    int last = subscribers[--subscriber_count];
    subscribers[place[fd] - 1] = last;
    place[last] = place[fd];
    place[fd] = 0;
  }
  free(partial[fd]);
  partial[fd] = NULL;
  close(fd);
}

static void publish(int fd, const char *event, int bytes) {
  char frame[REQUEST_BYTES + 64];
  int length = snprintf(frame, sizeof frame, "%x\r\ndata: %.*s\n\n\r\n", bytes + 8, bytes, event);
  // A subscriber that is gone is dropped when epoll tells of it.
  for (int n = 0; n < subscriber_count; n++) write_all(subscribers[n], frame, (size_t)length);
  write_all(fd, PUBLISHED, sizeof PUBLISHED - 1);
}

// Returns how many bytes the request takes: 0 where it is not whole yet, -1 where it is none of ours.
static int take_request(int fd, const char *text, int bytes) {
  const char *end = memmem(text, (size_t)bytes, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  int head = (int)(end - text) + 4;
  if (memcmp(text, "GET ", 4) == 0) {
    subscribe(fd);
    return head;
  }
  const char *field = strcasestr(text, "\r\ncontent-length:");
  if (memcmp(text, "POST", 4) != 0 || field == NULL || field > end) return -1;
  int body = atoi(field + 17);
  if (body < 0 || head + body >= REQUEST_BYTES) return -1;
  if (head + body > bytes) return 0;
  publish(fd, text + head, body);
  return head + body;
}

static void read_requests(int fd) {
  static char buffer[REQUEST_BYTES];
  int kept = partial[fd] == NULL ? 0 : partial_bytes[fd];
  if (kept > 0) memcpy(buffer, partial[fd], (size_t)kept);
  ssize_t got = read(fd, buffer + kept, (size_t)(REQUEST_BYTES - 1 - kept));
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return drop(fd);
  int bytes = kept + (int)got;
  buffer[bytes] = '\0';
  int used = take_request(fd, buffer, bytes);
  int left = bytes - used;
  // One request at a time is all that the load sends.
  if (used < 0 || (used > 0 && left > 0) || left >= REQUEST_BYTES - 1) return drop(fd);
  if (left > 0 && partial[fd] == NULL) partial[fd] = malloc(REQUEST_BYTES);
  if (left > 0) memcpy(partial[fd], buffer, (size_t)left);
  partial_bytes[fd] = left;
}

static void accept_all(int epoll, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event readable = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable) != 0) die("epoll_ctl");
  }
}

static int listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(listener, 4096) != 0) die("listen");
  return listener;
}

int main(int count, char **arguments) {
  if (count != 2) return fprintf(stderr, "usage: epoll PORT\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_on(atoi(arguments[1]));
  int epoll = epoll_create1(0);
  struct epoll_event acceptable = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &acceptable) != 0) die("epoll_ctl");
  for (;;) {
    struct epoll_event events[BATCH];
    int ready = epoll_wait(epoll, events, BATCH, -1);
    for (int n = 0; n < ready; n++) {
      if (events[n].data.fd == listener) accept_all(epoll, listener);
      else read_requests(events[n].data.fd);
    }
  }
}

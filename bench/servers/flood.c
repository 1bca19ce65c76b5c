// No server worth the name: it shows how much the load generator can take. A POST starts a flood of pre-made events to all
// subscribers, as fast as their sockets take them.
//
// flood PORT KIND EVENTS PER_WRITE (KIND: "sse" or "websocket")

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../load/event.h"

enum { EVENT_BYTES = 100, REQUEST_BYTES = 4096, MAX_SUBSCRIBERS = 1 << 16, BATCH = 256 };

static const char SSE_HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char WEBSOCKET_HEAD[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
static const char PUBLISHED[] = "HTTP/1.1 204 No Content\r\n\r\n";

struct subscriber {
  int fd;
  int writes; // how many it has had whole
  size_t sent; // of the next one
};

static struct subscriber subscribers[MAX_SUBSCRIBERS];
static int subscriber_count;

// What goes to everybody: write n is stream[ends[n - 1], ends[n]).
static char *stream;
static size_t *ends;
static int write_count;

static size_t append_event(char *to, int sequence, int is_sse) {
  size_t length = is_sse ? sprintf(to, "data: ") : sprintf(to, "\x81%c", EVENT_BYTES);
  event_write(to + length, EVENT_BYTES, sequence, monotonic_ns());
  length += EVENT_BYTES;
  return is_sse ? length + sprintf(to + length, "\nid: x7f3k2:%d\n\n", sequence + 1) : length;
}

static size_t append_write(char *to, int first, int events, int is_sse) {
  size_t head = is_sse ? sprintf(to, "%06x\r\n", 0) : 0;
  size_t length = head;
  for (int n = first; n < first + events; n++) length += append_event(to + length, n, is_sse);
  if (!is_sse) return length;
  char size[7];
  snprintf(size, sizeof size, "%06zx", length - head);
  memcpy(to, size, 6);
  return length + sprintf(to + length, "\r\n");
}

static void make_stream(int events, int per_write, int is_sse) {
  stream = malloc((size_t)events * (EVENT_BYTES + 64));
  ends = calloc(events + 1, sizeof *ends);
  for (int first = 0; first < events; first += per_write, write_count++) {
    int size = events - first < per_write ? events - first : per_write;
    size_t start = ends[write_count];
    ends[write_count + 1] = start + append_write(stream + start, first, size, is_sse);
  }
}

// Writes at most one frame. Returns whether the socket took any of it.
static int write_some(struct subscriber *subscriber) {
  size_t start = ends[subscriber->writes] + subscriber->sent;
  size_t end = ends[subscriber->writes + 1];
  ssize_t sent = send(subscriber->fd, stream + start, end - start, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent <= 0) return 0;
  subscriber->sent += sent;
  if (start + sent == end) subscriber->writes++, subscriber->sent = 0;
  return 1;
}

static void flood(void) {
  for (int unfinished = subscriber_count; unfinished > 0;) {
    struct subscriber *full = NULL;
    int progress = 0;
    unfinished = 0;
    for (int n = 0; n < subscriber_count; n++) {
      if (subscribers[n].writes == write_count) continue;
      unfinished++;
      if (write_some(&subscribers[n])) progress = 1;
      else full = &subscribers[n];
    }
    if (!progress && full != NULL) poll(&(struct pollfd){.fd = full->fd, .events = POLLOUT}, 1, -1);
  }
}

static void serve(int fd, const char *head) {
  char request[REQUEST_BYTES];
  ssize_t length = recv(fd, request, sizeof request, 0);
  if (length <= 0) {
    // Also the harness's look whether it listens.
    close(fd);
  } else if (request[0] == 'G') {
    send(fd, head, strlen(head), MSG_NOSIGNAL);
    subscribers[subscriber_count++] = (struct subscriber){.fd = fd};
  } else {
    send(fd, PUBLISHED, sizeof PUBLISHED - 1, MSG_NOSIGNAL);
    flood();
  }
}

static int listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) exit(1);
  return listener;
}

static void watch(int epoll, int fd) {
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(int count, char **arguments) {
  if (count != 5) return fprintf(stderr, "usage: flood PORT KIND EVENTS PER_WRITE\n"), 2;
  int is_sse = strcmp(arguments[2], "sse") == 0;
  make_stream(atoi(arguments[3]), atoi(arguments[4]), is_sse);
  int listener = listen_on(atoi(arguments[1]));
  int epoll = epoll_create1(0);
  watch(epoll, listener);
  for (;;) {
    struct epoll_event events[BATCH];
    int ready = epoll_wait(epoll, events, BATCH, -1);
    for (int n = 0; n < ready; n++) {
      if (events[n].data.fd == listener) watch(epoll, accept(listener, NULL, NULL));
      else serve(events[n].data.fd, is_sse ? SSE_HEAD : WEBSOCKET_HEAD);
    }
  }
}

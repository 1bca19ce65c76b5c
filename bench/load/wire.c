#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char *input;
static size_t filled;
static size_t capacity;

static void obey_line(char *line, void (*obey)(char **words, int count)) {
  char *words[MAX_WORDS];
  char *rest = line;
  int count = 0;
  for (char *word; count < MAX_WORDS && (word = strsep(&rest, " ")) != NULL;) words[count++] = word;
  obey(words, count);
}

static void obey_lines(void (*obey)(char **words, int count)) {
  char *line = input;
  for (char *end; (end = memchr(line, '\n', input + filled - line)) != NULL; line = end + 1) {
    *end = '\0';
    obey_line(line, obey);
  }
  filled -= line - input;
  memmove(input, line, filled);
}

void commands_read(void (*obey)(char **words, int count)) {
  if (capacity - filled < 4096) input = realloc(input, capacity = 2 * capacity + 65536);
  ssize_t length = read(STDIN_FILENO, input + filled, capacity - filled);
  if (length <= 0) exit(0);
  filled += length;
  obey_lines(obey);
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

struct bytes bytes_of(const char *word) {
  struct bytes bytes = {NULL, word[0] == '-' ? 0 : strlen(word) / 2};
  bytes.at = malloc(bytes.length + 1);
  for (size_t n = 0; n < bytes.length; n++) bytes.at[n] = (char)(digit(word[2 * n]) << 4 | digit(word[2 * n + 1]));
  bytes.at[bytes.length] = '\0';
  return bytes;
}

void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

void fail(const char *format, ...) {
  static bool failed;
  char reason[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  if (!failed) say("{\"failed\": \"%s\"}", reason);
  failed = true;
}

int connect_loopback(int port, int receive_buffer) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    fail("connect: %s", strerror(errno));
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void watch(int epoll, int fd, unsigned events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll: %s", strerror(errno));
}

void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

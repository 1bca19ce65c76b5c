// What the load generator's programs share: lines from the harness on standard input, answers as lines of JSON on
// standard output, and sockets on loopback.

#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>

enum { MAX_WORDS = 16 };

struct bytes {
  char *at;
  size_t length;
};

// Calls `obey` with the words of each whole line that standard input has. Ends the program with its input.
void commands_read(void (*obey)(char **words, int count));

// The bytes that a word stands for: hexadecimal, or "-" for none. A zero follows them.
struct bytes bytes_of(const char *word);

// Prints a line. `format` is JSON.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Says {"failed": reason}, once.
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A connected, blocking TCP socket with TCP_NODELAY, or -1 (and fail). `receive_buffer` in bytes; 0: the system's choice.
int connect_loopback(int port, int receive_buffer);

// Makes `fd` part of `epoll`; its events carry `data`.
void watch(int epoll, int fd, unsigned events, void *data);

// As many open files as the system allows.
void raise_file_limit(void);

#endif

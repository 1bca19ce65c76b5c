// How a subscriber opens: a request, then steps that each wait for some bytes and send some, until the last has come.

#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <stdbool.h>

#include "wire.h"

enum { MAX_STEPS = 8, MAX_HANDSHAKE = 320 * 1024, MAX_CAPTURE = 64 };

struct step {
  struct bytes after;
  struct bytes send;
  size_t capture; // so many bytes behind `after` stand for "{captured}" in `send`
};

struct handshake {
  int step;
  size_t searched; // what lies before was waited for already
  size_t length;
  char received[MAX_HANDSHAKE];
};

// The steps of all subscribers, in turn; the last has nothing to send.
void handshake_add_step(struct step step);

// Takes what was read. Sends what is due on `fd`. True when the last step is done: `rest` is then what came behind it.
bool handshake_read(struct handshake *handshake, int fd, const char *bytes, size_t length, struct bytes *rest);

#endif

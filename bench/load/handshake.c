#define _GNU_SOURCE
#include "handshake.h"

#include <string.h>
#include <sys/socket.h>

static const char PLACEHOLDER[] = "{captured}";
static struct step steps[MAX_STEPS];
static int step_count;

void handshake_add_step(struct step step) {
  if (step_count < MAX_STEPS) steps[step_count++] = step;
}

static void send_step(const struct step *step, int fd, const char *captured) {
  const char *at = step->send.at;
  const char *end = at + step->send.length;
  const char *hole;
  while ((hole = memmem(at, end - at, PLACEHOLDER, sizeof PLACEHOLDER - 1)) != NULL) {
    send(fd, at, hole - at, MSG_NOSIGNAL | MSG_MORE);
    send(fd, captured, step->capture, MSG_NOSIGNAL | MSG_MORE);
    at = hole + sizeof PLACEHOLDER - 1;
  }
  send(fd, at, end - at, MSG_NOSIGNAL);
}

// Takes one step, if what it waits for is there.
static bool advance(struct handshake *handshake, int fd) {
  const struct step *step = &steps[handshake->step];
  char *from = handshake->received + handshake->searched;
  char *end = handshake->received + handshake->length;
  char *found = memmem(from, end - from, step->after.at, step->after.length);
  if (found == NULL || found + step->after.length + step->capture > end) return false;
  char *behind = found + step->after.length;
  if (step->send.length > 0) send_step(step, fd, behind);
  handshake->searched = behind + step->capture - handshake->received;
  handshake->step++;
  return true;
}

bool handshake_read(struct handshake *handshake, int fd, const char *bytes, size_t length, struct bytes *rest) {
  if (handshake->length + length > MAX_HANDSHAKE) {
    fail("the server said too much before it was ready");
    return false;
  }
  memcpy(handshake->received + handshake->length, bytes, length);
  handshake->length += length;
  while (handshake->step < step_count && advance(handshake, fd)) continue;
  if (handshake->step < step_count) return false;
  *rest = (struct bytes){handshake->received + handshake->searched, handshake->length - handshake->searched};
  return true;
}

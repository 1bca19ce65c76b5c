#define _GNU_SOURCE
#include "answer.h"

#include <stdlib.h>
#include <string.h>

// The value of a header field, or NULL; `name` is "\r\nName:".
static const char *field(const char *answer, const char *body, const char *name) {
  const char *found = strcasestr(answer, name);
  return found != NULL && found < body ? found + strlen(name) : NULL;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text);
  return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

bool answer_is_whole(const char *answer) {
  const char *body = strstr(answer, "\r\n\r\n");
  if (body == NULL) return false;
  if (field(answer, body, "\r\nTransfer-Encoding: chunked") != NULL) return ends_with(body, "\r\n0\r\n\r\n");
  const char *length = field(answer, body, "\r\nContent-Length:");
  return strlen(body + 4) >= (length == NULL ? 0 : strtoul(length, NULL, 10));
}

int answer_status(const char *answer) {
  return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

#include "mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct mirror *mirror, const char *bytes, size_t length) {
  size_t needed = mirror->length + length;
  if (needed > mirror->capacity) mirror->bytes = realloc(mirror->bytes, mirror->capacity = 2 * needed);
  memcpy(mirror->bytes + mirror->length, bytes, length);
  mirror->length = needed;
}

const char *mirror_read(struct mirror *mirror, size_t offset, const char *bytes, size_t length) {
  size_t ahead = mirror->length - offset;
  size_t known = ahead < length ? ahead : length;
  if (known > 0 && memcmp(mirror->bytes + offset, bytes, known) != 0) return "not the bytes that others got";
  if (known < length) append(mirror, bytes + known, length - known);
  return NULL;
}

const char *mirror_write_file(const struct mirror *mirror, const char *path) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) return "the mirror's file cannot be opened";
  size_t written = fwrite(mirror->bytes, 1, mirror->length, file);
  if (fclose(file) != 0 || written != mirror->length) return "the mirror's file cannot be written";
  return NULL;
}

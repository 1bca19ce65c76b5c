// For what the scanner cannot see into (compressed streams): the bytes that all subscribers have in common. Whoever is
// furthest appends; all others are compared with it, byte by byte. What they mean is checked once, by the harness.

#ifndef MIRROR_H
#define MIRROR_H

#include <stddef.h>

struct mirror {
  char *bytes;
  size_t length;
  size_t capacity;
};

// Takes what a subscriber read behind its first `offset` bytes. Returns what is wrong with it, or NULL.
const char *mirror_read(struct mirror *mirror, size_t offset, const char *bytes, size_t length);

// Returns what went wrong, or NULL.
const char *mirror_write_file(const struct mirror *mirror, const char *path);

#endif

// An HTTP/1.1 answer, as text.

#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>

bool answer_is_whole(const char *answer);

// 0 where it is no HTTP answer.
int answer_status(const char *answer);

#endif

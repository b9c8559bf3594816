/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows: printers, JSON-free reports, generated source. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"

/* {0} with an arena is an empty text. `data` is always NUL-terminated once
 * anything was added; text_string gives "" before. */
struct text {
  struct arena *arena;
  char *data;
  size_t size, capacity;
};

void text_add(struct text *text, const char *string);
void text_add_n(struct text *text, const char *data, size_t size);
void text_format(struct text *text, const char *format, ...) ADZE_PRINTF(2, 3);
const char *text_string(const struct text *text);

bool string_equal(const char *a, const char *b);
bool string_starts(const char *text, const char *prefix);
bool string_ends(const char *text, const char *suffix);
/* Strict parsing of a whole string: no blanks, no trailing bytes, checked for
 * range. */
bool string_to_int64(const char *text, int64_t *out);
bool string_to_double(const char *text, double *out);
/* "640x480": both from 1 to `most`. */
bool string_to_size(const char *text, int most, int *width, int *height);

/* The near names of a wrong one, for "did you mean": up to 3 of
 * `names[count]` by edit distance as "a, b or c" in `out`; "" when none. */
void string_near(const char *wrong, const char *const *names, size_t count,
                 char *out, size_t out_bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about strings, strict numbers, near names.
 *
 * Numbers are read in the C locale whatever the program has set: a model does
 * not change its meaning where the decimal point is a comma. Near names are
 * ranked by the Damerau-Levenshtein distance (insert, delete, replace, swap
 * neighbours), which counts how a hand slips.
 */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { NEAR_MAX_LENGTH = 64, NEAR_COUNT = 3 };

bool string_equal(const char *a, const char *b) { return strcmp(a, b) == 0; }

bool string_starts(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool string_ends(const char *text, const char *suffix) {
  size_t size = strlen(text), suffix_size = strlen(suffix);
  return size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

bool string_to_int64(const char *text, int64_t *out) {
  if (!isdigit((unsigned char)text[text[0] == '-']))
    return false;
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno == ERANGE || *end)
    return false;
  *out = value;
  return true;
}

static bool read_side(const char *text, const char **end, int most, int *out) {
  int64_t value = 0;
  *end = text;
  while (isdigit((unsigned char)**end) && value <= most)
    value = 10 * value + (*(*end)++ - '0');
  *out = (int)(value <= most ? value : 0);
  return *out > 0;
}

bool string_to_size(const char *text, int most, int *width, int *height) {
  const char *end;
  int sides[2];
  if (!read_side(text, &end, most, &sides[0]) || *end != 'x' ||
      !read_side(end + 1, &end, most, &sides[1]) || *end)
    return false;
  *width = sides[0];
  *height = sides[1];
  return true;
}

bool string_to_double(const char *text, double *out) {
  if (!*text || isspace((unsigned char)*text))
    return false;
  /* glibc gives a static object for "C": nothing is allocated here. */
  locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!locale)
    return false;
  char *end;
  errno = 0;
  double value = strtod_l(text, &end, locale);
  bool overflow = errno == ERANGE && (value > 1 || value < -1);
  freelocale(locale);
  if (end == text || *end || overflow)
    return false;
  *out = value;
  return true;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Three rows of the usual table are alive at a time. */
static size_t edit_distance(const char *a, const char *b) {
  size_t rows[3][NEAR_MAX_LENGTH + 1];
  size_t a_size = strlen(a), b_size = strlen(b);
  for (size_t j = 0; j <= b_size; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
    const size_t *above_twice = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
      best = least(best, least(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = least(best, above_twice[j - 2] + 1);
      row[j] = best;
    }
  }
  return rows[a_size % 3][b_size];
}

struct near_name {
  const char *name;
  size_t distance;
};

/* Keeps the nearest, in order; among equals the first one named. */
static void insert_near(struct near_name *found, size_t *count,
                        struct near_name candidate) {
  size_t at = *count;
  while (at > 0 && found[at - 1].distance > candidate.distance)
    at--;
  if (at == NEAR_COUNT)
    return;
  if (*count < NEAR_COUNT)
    ++*count;
  for (size_t i = *count - 1; i > at; i--)
    found[i] = found[i - 1];
  found[at] = candidate;
}

void string_near(const char *wrong, const char *const *names, size_t count,
                 char *out, size_t out_bytes) {
  struct near_name found[NEAR_COUNT];
  size_t found_count = 0, size = strlen(wrong), used = 0;
  check(out_bytes > 0);
  out[0] = '\0';
  if (size > NEAR_MAX_LENGTH)
    return;
  size_t farthest = size / 3 > 2 ? size / 3 : 2;
  for (size_t i = 0; i < count; i++) {
    if (strlen(names[i]) > NEAR_MAX_LENGTH)
      continue;
    size_t distance = edit_distance(wrong, names[i]);
    if (distance <= farthest && distance < size)
      insert_near(found, &found_count, (struct near_name){names[i], distance});
  }
  for (size_t i = 0; i < found_count && used < out_bytes; i++) {
    const char *separator = i == 0 ? "" : i + 1 == found_count ? " or " : ", ";
    used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", separator,
                             found[i].name);
  }
}

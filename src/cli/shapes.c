/* SPDX-License-Identifier: Apache-2.0 */
/* A name may hold anything but ":[", as names in models do hold '/', ':' and
 * '.'; so the name ends at the first ":[" and its sizes at the next ']'.
 */
#include "cli/shapes.h"

#include <string.h>

#include "base/text.h"

static enum adze_status bad_shapes(const char *text, const char *why,
                                   struct adze_error *error) {
  return fail(error, ADZE_INVALID_ARGUMENT,
              "--input-shapes '%s': %s; it reads "
              "\"name:[1,3,224,224] other:[1,?]\"",
              text, why);
}

/* One size of `length` letters; a word, '?', 0 or a negative number is open. */
static bool parse_size(const char *text, size_t length, int64_t *out) {
  char word[32];
  while (length && *text == ' ')
    text++, length--;
  while (length && text[length - 1] == ' ')
    length--;
  if (!length)
    return false;
  *out = -1;
  if (length >= sizeof word)
    return true;
  memcpy(word, text, length);
  word[length] = '\0';
  if (string_to_int64(word, out)) {
    if (*out <= 0)
      *out = -1;
    return true;
  }
  /* Digits that are no 64-bit number are a slip, not a name. */
  return strspn(word, "-0123456789.") != length;
}

static enum adze_status parse_sizes(const char *text, const char *start,
                                    const char *end, struct shape *shape,
                                    struct adze_error *error) {
  if (start == end)
    return ADZE_OK;
  for (const char *at = start;;) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const char *stop = comma ? comma : end;
    if (shape->rank == ADZE_MAX_RANK)
      return bad_shapes(text, "too many dimensions", error);
    if (!parse_size(at, (size_t)(stop - at), &shape->dims[shape->rank]))
      return bad_shapes(text, "a size is wrong", error);
    shape->rank++;
    if (!comma)
      return ADZE_OK;
    at = comma + 1;
  }
}

enum adze_status shapes_parse(struct arena *arena, const char *text,
                              struct shapes *out, struct adze_error *error) {
  VEC(struct shape) shapes = {0};
  const char *at = text ? text : "";
  while (*(at += strspn(at, " "))) {
    struct shape shape = {0};
    const char *open = strstr(at, ":[");
    const char *close = open ? strchr(open, ']') : NULL;
    if (!close || open == at)
      return bad_shapes(text, "a name or its brackets are missing", error);
    shape.name = arena_strndup(arena, at, (size_t)(open - at));
    TRY(parse_sizes(text, open + 2, close, &shape, error));
    vec_push(arena, &shapes, shape);
    at = close + 1;
    at += *at == ','; /* "a:[1],b:[2]" is what some type */
  }
  *out = (struct shapes){shapes.data, shapes.count};
  return ADZE_OK;
}

const struct shape *shapes_find(const struct shapes *shapes, const char *name) {
  for (size_t i = 0; i < shapes->count; i++)
    if (string_equal(shapes->items[i].name, name))
      return &shapes->items[i];
  return NULL;
}

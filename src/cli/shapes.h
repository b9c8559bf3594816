/* SPDX-License-Identifier: Apache-2.0 */
/* The text of --input-shapes, "image:[1,3,257,257] x:[1,?]", read for packages,
 * whose open dimensions it binds. (For a model file the compiler reads it.) */
#ifndef CLI_SHAPES_H
#define CLI_SHAPES_H

#include "cli/array.h"

struct shape {
  const char *name;
  int rank;
  int64_t dims[ADZE_MAX_RANK]; /* -1 where left open */
};

struct shapes {
  struct shape *items;
  size_t count;
};

/* `text` may be NULL: no shapes. In the arena. */
enum adze_status shapes_parse(struct arena *arena, const char *text,
                              struct shapes *out,
                              struct adze_error *error) ADZE_MUST_USE;
/* NULL when there is none of this name. */
const struct shape *shapes_find(const struct shapes *shapes, const char *name);

#endif

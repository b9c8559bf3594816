/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and names of element types, all from ADZE_DTYPE_LIST. */
#include <string.h>

#include "adze/runtime.h"

static const struct row {
  enum adze_dtype dtype;
  size_t bytes;
  const char *name;
} rows[] = {{ADZE_DTYPE_NONE, 0, "none"},
#define X(name, number, bytes, kind, text) {ADZE_##name, bytes, text},
            ADZE_DTYPE_LIST(X)
#undef X
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* The row of a dtype; that of "none" for numbers that are no dtype. */
static const struct row *find(enum adze_dtype dtype) {
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (rows[i].dtype == dtype)
      return &rows[i];
  return &rows[0];
}

size_t adze_dtype_bytes(enum adze_dtype dtype) { return find(dtype)->bytes; }

const char *adze_dtype_name(enum adze_dtype dtype) { return find(dtype)->name; }

enum adze_dtype adze_dtype_from_name(const char *name) {
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (strcmp(rows[i].name, name) == 0)
      return rows[i].dtype;
  return ADZE_DTYPE_NONE;
}

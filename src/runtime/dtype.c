/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and names of element types, all from ADZE_DTYPE_LIST. */
#include <string.h>

#include "adze/runtime.h"

size_t adze_dtype_bytes(enum adze_dtype dtype) {
  switch (dtype) {
#define X(name, number, bytes, kind, text)                                     \
  case ADZE_##name:                                                            \
    return bytes;
    ADZE_DTYPE_LIST(X)
#undef X
  case ADZE_DTYPE_NONE:
    break;
  }
  return 0;
}

const char *adze_dtype_name(enum adze_dtype dtype) {
  switch (dtype) {
#define X(name, number, bytes, kind, text)                                     \
  case ADZE_##name:                                                            \
    return text;
    ADZE_DTYPE_LIST(X)
#undef X
  case ADZE_DTYPE_NONE:
    break;
  }
  return "none";
}

enum adze_dtype adze_dtype_from_name(const char *name) {
#define X(dtype, number, bytes, kind, text)                                    \
  if (strcmp(name, text) == 0)                                                 \
    return ADZE_##dtype;
  ADZE_DTYPE_LIST(X)
#undef X
  return ADZE_DTYPE_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays as commands handle them: named, typed, dense, in C order; and their
 * elements as numbers, whatever their type. */
#ifndef CLI_ARRAY_H
#define CLI_ARRAY_H

#include "adze/runtime.h"
#include "base/arena.h"

struct array {
  const char *name;
  enum adze_dtype dtype;
  int rank;
  int64_t dims[ADZE_MAX_RANK];
  size_t bytes;
  void *data; /* aligned to 64 bytes; NULL when only described */
};

/* Sets array->bytes from dtype and dims; false on overflow or a negative
 * dimension. */
bool array_measure(struct array *array);
/* Elements. */
size_t array_count(const struct array *array);
/* Gives the array memory of its size, zeroed. */
void array_allocate(struct arena *arena, struct array *array);
/* "float32[1,3,224,224]", in the arena. */
const char *array_type_text(struct arena *arena, enum adze_dtype dtype,
                            int rank, const int64_t *dims);
/* An array with the name and type of `info`, whose dims must all be known. */
struct array array_like(const struct adze_tensor_info *info);

/* Element `index` as a number; 64-bit integers lose digits beyond 2^53. */
double array_get(const struct array *array, size_t index);
/* Rounds to the type: half formats to nearest even; numbers outside an integer
 * type saturate, NaN gives 0; bool is `value != 0`. */
void array_set(struct array *array, size_t index, double value);
/* Whether the type is an integer or bool: compared exactly. */
bool dtype_is_exact(enum adze_dtype dtype);

#endif

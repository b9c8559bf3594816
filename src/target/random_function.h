/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: random flat functions over every kind of expression, memory
 * for them, and the interpreter's results to compare with. */
#ifndef TARGET_RANDOM_FUNCTION_H
#define TARGET_RANDOM_FUNCTION_H

#include "base/text.h"
#include "ir/loop.h"

#define RANDOM_ELEMENTS 64 /* of every parameter */
#define RANDOM_SYMBOLS 2

struct random_options {
  bool has_fma;
  uint16_t lanes_limit; /* vectors have at most so many */
};

/* A function with parameters for every dtype (read, then written ones), two
 * open dimensions, stack and scratch memory, loops, conditions, locals. */
struct function *random_function(struct expr_pool *pool, const char *name,
                                 uint64_t seed,
                                 const struct random_options *options);

/* Memory for the parameters of one function, filled from a seed with values
 * that include the awkward ones. */
struct random_memory {
  void **parameters;
  size_t *bytes;
  int64_t symbols[RANDOM_SYMBOLS];
  void *scratch;
};
struct random_memory *random_memory(struct arena *arena,
                                    const struct function *function,
                                    uint64_t seed);

/* Whether two buffers hold the same bits, NaNs of any kind being equal;
 * otherwise *where is the first element that differs. */
bool random_equal(enum adze_dtype dtype, const void *a, const void *b,
                  size_t bytes, size_t *where);

#endif

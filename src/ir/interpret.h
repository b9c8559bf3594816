/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter of loop IR, structured and flat: the reference. */
#ifndef IR_INTERPRET_H
#define IR_INTERPRET_H

#include "ir/loop.h"

/* Runs `function`. parameters[i] is the memory of function->parameters.data[i],
 * parameter_bytes[i] its size; every access is checked against it (a fault is
 * INTERNAL, naming buffer and offset). `scalars` as function->scalars. Flat
 * functions run as worker `worker` of `workers`; structured ones serially. */
enum adze_status
interpret(const struct function *function, void *const *parameters,
          const size_t *parameter_bytes, const int64_t *scalars, int64_t worker,
          int64_t workers, struct adze_error *error) ADZE_MUST_USE;

/* All workers of a function, each up to the next barrier before the first goes
 * on: worker 0 runs to its first barrier, then worker 1 to its first, …. A
 * fault when they don't all meet the same number of barriers. Workers have
 * scratch memory and buffers of their own. A structured function runs once. */
enum adze_status interpret_all_workers(const struct function *function,
                                       void *const *parameters,
                                       const size_t *parameter_bytes,
                                       const int64_t *scalars, int64_t workers,
                                       struct adze_error *error) ADZE_MUST_USE;

/* One element of a stage of a group, computed from the group's input buffers:
 * loads of buffers that `stages` define are evaluated recursively (memoised).
 * memory[buffer->id] gives the memory of the inputs. *out holds one element of
 * the stage's dtype. For checking large networks by samples. */
struct interpret_memory {
  const struct buffer *buffer;
  const void *data;
  size_t bytes;
};
enum adze_status
interpret_element(struct expr_pool *pool, struct stage *const *stages,
                  size_t stage_count, const struct interpret_memory *memory,
                  size_t memory_count, const struct substitution *symbols,
                  size_t symbol_count, const struct stage *stage,
                  const int64_t *indices, void *out,
                  struct adze_error *error) ADZE_MUST_USE;

#endif

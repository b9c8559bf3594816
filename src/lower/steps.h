/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of lower, in order; each is one file. */
#ifndef LOWER_STEPS_H
#define LOWER_STEPS_H

#include "lower/lower.h"

struct lowering {
  struct function *function;
  struct expr_pool *pool;
  struct arena *arena;
  const struct machine *machine;
  struct adze_error *error;
};

void lower_blocks(struct lowering *lowering);
void lower_partition(struct lowering *lowering);
enum adze_status lower_compact(struct lowering *lowering);
void lower_flatten(struct lowering *lowering);
void lower_vectorize(struct lowering *lowering);
void lower_unroll(struct lowering *lowering);
void lower_hoist(struct lowering *lowering);
enum adze_status lower_registers(struct lowering *lowering);
enum adze_status lower_workers(struct lowering *lowering);
void lower_initialise(struct lowering *lowering);
void lower_finish(struct lowering *lowering);

/* Rewrites every expression of a statement list (loop bounds, conditions,
 * indices, values). */
void statement_map_exprs(struct statement *list,
                         const struct expr *(*map)(void *context,
                                                   const struct expr *e),
                         void *context);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and how a convolution is fused with the pooling after it
 * (conv_pool.c): the analytic model. */
#ifndef SCHEDULE_CONV_POOL_PLAN_H
#define SCHEDULE_CONV_POOL_PLAN_H

#include "schedule/tile.h"
#include "schedule/window.h"

enum { CONV_POOL_MOST_ROWS = 64 };

struct conv_pool_plan {
  struct window2d window; /* of the convolution */
  struct tile tile;       /* of its sums */
  int64_t rows;           /* of the pooling's result in a tile of rows */
  double cycles;          /* of one core, but for the pooling itself */
};

/* The plan for both nodes; NULL, or why there is none. */
const char *conv_pool_plan_read(const struct machine *machine, int64_t block,
                                const struct node *conv,
                                const struct node *pool,
                                struct conv_pool_plan *out);
/* Whether it is better than two kernels. */
bool conv_pool_plan_gains(const struct match_query *query,
                          const struct node *conv, const struct node *pool,
                          const struct conv_pool_plan *plan);

#endif

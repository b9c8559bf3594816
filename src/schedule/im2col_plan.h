/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and how a convolution gathers its places (conv_im2col.c): the
 * analytic model. */
#ifndef SCHEDULE_IM2COL_PLAN_H
#define SCHEDULE_IM2COL_PLAN_H

#include "schedule/tile.h"
#include "schedule/window.h"

struct im2col_plan {
  struct window2d window;
  int64_t batch, height, width; /* of the output */
  int64_t places;               /* of all images */
  int64_t taps, in_blocks, out_blocks;
  int64_t chunk; /* blocks of input channels in one */
  struct tile tile;
  double cycles; /* of one core */
};

/* The plan for a node; NULL, or why there is none. */
const char *im2col_plan_read(const struct machine *machine, int64_t block,
                             const struct node *node, struct im2col_plan *out);
/* Whether it is better than direct convolution. */
bool im2col_plan_gains(const struct match_query *query, const struct node *node,
                       const struct im2col_plan *plan);

/* Cycles by the better one of these two, of a convolution that fits. */
double im2col_plan_others(const struct match_query *query,
                          const struct node *node);

#endif

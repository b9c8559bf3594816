/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and how a 1x1 convolution is computed by Strassen's algorithm: the
 * analytic model. */
#ifndef SCHEDULE_STRASSEN_PLAN_H
#define SCHEDULE_STRASSEN_PLAN_H

#include "schedule/tile.h"
#include "schedule/window.h"

enum { STRASSEN_PRODUCTS = 7 };

struct strassen_plan {
  struct window2d window;
  int64_t batch, height, width; /* of the output */
  /* Rows of the output whose places are halved together; `groups` in all
   * images. */
  int64_t group, groups;
  /* The only group is all workers', which spread it, then multiply; else each
   * group is one worker's. */
  bool is_shared;
  int64_t half_places;               /* of a group, rounded up */
  int64_t half_inputs, half_outputs; /* blocks of channels */
  struct tile tile;                  /* of the products */
  double cycles;                     /* of one core */
};

/* The best plan for a node; NULL, or why there is none. Behind a depthwise
 * convolution in the same kernel each group is one worker's. */
const char *strassen_plan_make(const struct machine *machine, int64_t block,
                               const struct node *node, bool is_behind,
                               struct strassen_plan *out);
/* How many cycles less it takes than what would be taken otherwise; 0 where it
 * doesn't apply or hardly gains, with the reason. */
double strassen_gain(const struct match_query *query, const struct node *node,
                     bool is_behind, const char **reason);

#endif

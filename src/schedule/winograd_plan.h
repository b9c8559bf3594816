/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and how a convolution is computed by Winograd's algorithm: the
 * analytic model. */
#ifndef SCHEDULE_WINOGRAD_PLAN_H
#define SCHEDULE_WINOGRAD_PLAN_H

#include "schedule/window.h"
#include "schedule/winograd_transform.h"

struct winograd_plan {
  struct winograd_transform transform;
  struct window2d window;
  int64_t block;     /* channels in a block */
  int64_t batch;     /* 0: open */
  int64_t phases[2]; /* y mod phases: parts that are convolved by themselves */
  int64_t tiles[2];  /* of one image, along y and x, in all phases */
  int64_t in_blocks, out_blocks;
  /* Rows of tiles that one worker takes through all steps, or 0: each step is
   * done for the whole image, by all workers, before the next one. */
  int64_t rows;
  double cycles, direct_cycles; /* of one core, by this and directly */
};

/* The best plan for a convolution; false where the algorithm does not apply,
 * with the reason. */
bool winograd_plan_make(const struct machine *machine, int64_t block,
                        const struct node *node, struct winograd_plan *out,
                        const char **reason);

#endif

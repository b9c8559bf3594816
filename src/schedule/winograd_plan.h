/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and how a convolution is computed by Winograd's algorithm. */
#ifndef SCHEDULE_WINOGRAD_PLAN_H
#define SCHEDULE_WINOGRAD_PLAN_H

#include "schedule/tile.h"
#include "schedule/window.h"
#include "schedule/winograd_transform.h"

struct winograd_plan {
  struct winograd_transform
      transform[2]; /* along y and x, each with its tile */
  struct window2d window;
  bool is_transposed;
  int64_t taps[2]; /* in each phase */
  int64_t block;   /* channels in a block */
  int64_t batch;   /* 0: open */
  /* Along y and x. Output y is in phase (y + shift) mod phases. Those of a
   * dilated convolution have inputs of their own, which lie so far apart; those
   * of a transposed one have the same inputs, and weights of their own. */
  int64_t phases[2], shift[2];
  int64_t before[2]; /* the first tile's first input lies so much before 0 */
  /* With a stride, either transforms have it, and nothing else does; or the
   * phases (y mod stride, x mod stride) of the padded input are further input
   * channels of a convolution without. Those of less than a block of channels
   * are gathered into blocks first. */
  int64_t stride[2], in_phases;
  bool gathers;
  int64_t tiles[2]; /* of one image, in all phases that have own inputs */
  int64_t in_blocks, out_blocks;
  int64_t channels;       /* that products sum over, of all phases */
  int64_t product_blocks; /* out_blocks for each phase with own weights */
  /* Rows of tiles that one worker takes through all steps, or 0: each step is
   * done for the whole image, by all workers, before the next one. */
  int64_t rows;
  struct tile tile;            /* of the products */
  double cycles, other_cycles; /* of one core, by this and otherwise */
  double exchange; /* of these cycles, for what cores take from each other */
};

/* Points of a tile, each a product of its own. */
int64_t winograd_points(const struct winograd_plan *plan);
/* How far the inputs of a tile lie apart. */
int64_t winograd_step(const struct winograd_plan *plan, int axis);
/* How many input rows or columns all tiles read, of each phase. */
int64_t winograd_places(const struct winograd_plan *plan, int axis);
/* The best plan for a convolution or a transposed one; false where the
 * algorithm does not apply, with the reason. */
bool winograd_plan_make(const struct machine *machine, int64_t block,
                        const struct node *node, struct winograd_plan *out,
                        const char **reason);

#endif

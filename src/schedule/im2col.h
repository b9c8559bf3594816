/* SPDX-License-Identifier: Apache-2.0 */
/* What the templates by gathered places have in common: all but the operator.
 * The formulas are in conv_im2col.c. */
#ifndef SCHEDULE_IM2COL_H
#define SCHEDULE_IM2COL_H

#include "schedule/tile.h"
#include "schedule/window.h"

struct im2col_plan {
  struct window2d window;
  bool is_transposed;
  int64_t batch;
  /* Outputs whose row (column) is r modulo this have weights of their own: more
   * than one for a transposed convolution's stride. */
  int64_t residues[2];
  int64_t extent[2]; /* rows and columns of one residue */
  int64_t places;    /* of one residue, in all images */
  int64_t taps[2];   /* of one residue */
  /* What is gathered around each place; its kernel has the taps of every
   * residue. */
  struct window2d gather;
  int64_t in_blocks, out_blocks;
  int64_t chunk; /* blocks of input channels in one */
  struct tile tile;
  double cycles; /* of one core */
};

/* The plan for a convolution or a transposed one; NULL, or why there is none. */
const char *im2col_plan_read(const struct machine *machine, int64_t block,
                             const struct node *node, struct im2col_plan *out);
int64_t im2col_residues(const struct im2col_plan *plan);
/* Of the group's first node, which has one. */
struct im2col_plan im2col_plan_of(const struct builder *builder);

/* Of nodes of one operator. */
size_t im2col_match(struct match_query *query, const struct op_def *op,
                    struct node *node, struct node **nodes, size_t capacity);
void im2col_demand(const struct match_query *query, const struct group *group,
                   const struct node *node, size_t input, struct demand *out);

/* Stages: columns, part, sums, and perhaps the bias. */
enum adze_status im2col_express(struct builder *builder);
extern const char *const im2col_knobs[];
size_t im2col_space(const struct builder *builder, size_t knob, int64_t *values,
                    size_t capacity);
void im2col_choose(const struct builder *builder, int64_t *knobs);
enum adze_status im2col_apply(struct builder *builder,
                              struct schedule *schedule, const int64_t *knobs);

#endif

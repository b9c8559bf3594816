/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution on channel blocks, as templates share it. */
#ifndef SCHEDULE_DIRECT_H
#define SCHEDULE_DIRECT_H

#include "schedule/common.h"
#include "schedule/tile.h"
#include "schedule/window.h"

/* How it wants an operand placed: the image in blocks, where it has enough
 * channels for one, with the padding around it. */
void direct_demand(const struct match_query *query, const struct group *group,
                   const struct node *node, size_t input, struct demand *out);
/* Adds the stage that computes the convolution, without its bias, into `sums`,
 * with the output's axes [n, block, y, x, lane]. */
void direct_stage(struct builder *builder, const struct node *node,
                  struct buffer *sums);
/* The length of rows that the convolution would have its places in (regroup.h):
 * a 1x1 one takes any. */
int64_t direct_row_length(const struct builder *builder,
                          const struct node *node);
/* The best register tile for those rows, of so many blocks at most. */
struct tile direct_tile(const struct builder *builder, const struct node *node,
                        int64_t most_blocks);
/* How far its reduction can be unrolled, of the values that `values` has. */
size_t direct_limit_unroll(const struct builder *builder,
                           const struct node *node, const int64_t *values,
                           size_t count);
/* The arrangement of its reduction. */
struct reduce_plan direct_plan(const struct builder *builder,
                               const struct stage *stage, int64_t unroll);

#endif

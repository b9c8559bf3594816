/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolution on channel blocks, as templates share it. */
#ifndef SCHEDULE_POINTWISE_H
#define SCHEDULE_POINTWISE_H

#include "schedule/builder.h"
#include "schedule/window.h"

/* Adds the stage that computes the 1x1 convolution `node`, without its bias,
 * into `out`, whose element (y, x) is at (y - before[0], x - before[1]) of the
 * image. */
void pointwise_stage(struct builder *builder, const struct node *node,
                     struct buffer *out, const int64_t *before);
/* Whether it is elementwise, of rank 4, and all operands but one constant. */
bool pointwise_is_between(const struct node *node);
/* Adds the elementwise nodes of one operand that follow the last of `nodes`,
 * each the only user of the one before, and leaves room for a node. Returns the
 * node that follows then, NULL if there isn't just one. */
struct node *pointwise_chain(const struct graph_users *users,
                             struct node **nodes, size_t capacity,
                             size_t *count);
/* A depthwise convolution and what pointwise_chain finds, if a 1x1 convolution
 * comes next, which is returned and not yet added. NULL: it declines. */
struct node *pointwise_after_depthwise(struct match_query *query,
                                       struct node *node, struct node **nodes,
                                       size_t capacity, size_t *count);
/* Rows of the depthwise output in a tile: as many as keep one block of
 * channels of what it reads in half of the L2 cache. height, width of its
 * input, -1 where open. */
int64_t rows_in_tile(const struct machine *machine,
                     const struct window2d *depthwise, int64_t block,
                     int64_t height, int64_t width);

#endif

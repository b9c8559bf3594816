/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution on channel blocks, as templates share it. */
#ifndef SCHEDULE_DEPTHWISE_H
#define SCHEDULE_DEPTHWISE_H

#include "schedule/common.h"
#include "schedule/window.h"

/* What a group that begins with a convolution, fused with `depthwise`, wants of
 * its operands: blocks of the image, with the depthwise one's padding. */
void depthwise_fused_demand(const struct group *group,
                            const struct node *depthwise,
                            const struct node *node, size_t input,
                            struct demand *out);
/* Adds the stage that computes `node` from `in`, whose blocks, rows and columns
 * `window` addresses. */
void depthwise_stage(struct builder *builder, const struct node *node,
                     struct buffer *in, const struct window2d *window);
/* Columns of a register tile: those possible, and the best. */
size_t depthwise_space_columns(const struct builder *builder,
                               const struct node *node, int64_t *values,
                               size_t capacity);
int64_t depthwise_choose_columns(const struct builder *builder,
                                 const struct node *node);
/* What `middle`, the stage after the depthwise one that the builder's first
 * stage is, has of the rows that are read below `at`, in scratch memory, in
 * register tiles of `columns`. */
enum adze_status depthwise_rows_at(struct builder *builder,
                                   struct schedule *schedule,
                                   const struct stage *middle,
                                   struct statement *at,
                                   int64_t columns) ADZE_MUST_USE;
/* The arrangement of its reduction. */
struct reduce_plan depthwise_plan(const struct builder *builder,
                                  const struct stage *stage);

#endif

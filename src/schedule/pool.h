/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling on channel blocks, as templates share it. */
#ifndef SCHEDULE_POOL_H
#define SCHEDULE_POOL_H

#include "op/window.h"
#include "schedule/common.h"

bool pool_is(const struct node *node);
/* Global pooling: the mean, sum, maximum or minimum of an image [N, C, H, W],
 * of which [N, C, 1, 1] is left. */
bool pool_is_global(const struct node *node);
/* The window of either: global pooling has one, of the image's size. */
struct window pool_window(const struct node *node);
/* Columns of a register tile: those possible, and the best. */
size_t pool_space_columns(const struct builder *builder,
                          const struct node *node, int64_t *values,
                          size_t capacity);
int64_t pool_choose_columns(const struct builder *builder,
                            const struct node *node);
/* Computes the stage `anchor` of the pooling below `x`, the loop over tiles of
 * columns; `column` goes through a tile, `lane`, innermost, through a vector.
 */
enum adze_status pool_schedule(struct builder *builder,
                               struct schedule *schedule,
                               const struct node *node,
                               const struct stage *anchor, struct statement *x,
                               struct statement *column,
                               struct statement *lane) ADZE_MUST_USE;

#endif

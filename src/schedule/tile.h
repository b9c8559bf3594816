/* SPDX-License-Identifier: Apache-2.0 */
/* The analytic model of register tiles: columns of a row by blocks of output
 * channels, one vector each. */
#ifndef SCHEDULE_TILE_H
#define SCHEDULE_TILE_H

#include "schedule/builder.h"

enum tile_knob { TILE_COLUMNS, TILE_BLOCKS, TILE_UNROLL };

/* The values that a knob can take on this machine; returns their number. */
size_t tile_space(const struct builder *builder, enum tile_knob knob,
                  int64_t *values, size_t capacity);
/* The tile that computes rows of `width` columns (-1: open) for
 * `channel_blocks` blocks in the fewest cycles. */
void tile_choose(const struct builder *builder, int64_t width,
                 int64_t channel_blocks, int64_t *columns, int64_t *blocks);

#endif

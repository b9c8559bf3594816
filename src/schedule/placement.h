/* SPDX-License-Identifier: Apache-2.0 */
/* Placement: where and how a value lies in memory.
 *
 * A plain value is row-major over its own dimensions. A blocked one,
 * [N, C, S…], lies as [N, ceil(C/B), S…, B]: B channels side by side, so that
 * one vector holds them; the lanes past C hold something finite. Either may
 * have a halo of zeros around its spatial dimensions, which the producer
 * writes, and may be a range of channels of a parent (concatenation).
 */
#ifndef SCHEDULE_PLACEMENT_H
#define SCHEDULE_PLACEMENT_H

#include "ir/graph.h"

struct placement {
  int64_t block; /* channels in a block; 0: plain */
  int64_t before[GRAPH_MAX_RANK], after[GRAPH_MAX_RANK]; /* halo by dimension */
  const struct value *parent; /* NULL: memory of its own */
  int64_t parent_channel;     /* first channel in the parent; a multiple of B */
};

/* The dimensions in memory: of the value, or blocked. Returns their number. */
size_t placement_shape(struct expr_pool *pool, const struct value *value,
                       const struct placement *placement,
                       const struct expr **shape);

/* The buffer of a value; `placements` is indexed by value id. */
struct buffer *placement_buffer(struct expr_pool *pool,
                                const struct value *value,
                                const struct placement *placements);

/* Of `count` places so many bytes apart, how many fall into the same set of a
 * cache whose sets repeat every 4 KiB. */
int64_t placement_lines_in_one_set(int64_t stride_bytes, int64_t count);
/* How many steps, at most `most`, to add to the stride so that fewest do. */
int64_t placement_padding(int64_t stride_bytes, int64_t step_bytes,
                          int64_t most, int64_t count);

/* The indices in memory of an element: the channel index (dimension 1) is
 * split where blocked. Returns their number. */
size_t placement_indices(struct expr_pool *pool,
                         const struct placement *placement, size_t rank,
                         const struct expr *const *indices,
                         const struct expr **out);

#endif

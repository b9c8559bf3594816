/* SPDX-License-Identifier: Apache-2.0 */
/* From placements to buffers and indices. */
#include "schedule/placement.h"

#include "ir/simplify.h"

size_t placement_shape(struct expr_pool *pool, const struct value *value,
                       const struct placement *placement,
                       const struct expr **shape) {
  for (size_t i = 0; i < value->rank; i++)
    shape[i] = value->dims[i];
  if (!placement->block)
    return value->rank;
  const struct expr *block = expr_index(pool, placement->block);
  shape[1] = simplify(pool, expr_ceil_div(pool, value->dims[1], block));
  shape[value->rank] = block;
  return value->rank + 1;
}

struct buffer *placement_buffer(struct expr_pool *pool,
                                const struct value *value,
                                const struct placement *placements) {
  const struct placement *placement = &placements[value->id];
  const struct value *root = value;
  int64_t channel = 0;
  while (placements[root->id].parent) {
    channel += placements[root->id].parent_channel;
    root = placements[root->id].parent;
  }
  const struct placement *owner = &placements[root->id];
  const struct expr *shape[LOOP_MAX_RANK];
  size_t rank = placement_shape(pool, root, owner, shape);
  struct buffer *buffer =
      buffer_new_halo(pool, value->name, value->dtype, BUFFER_ARGUMENT, shape,
                      rank, owner->before, owner->after);
  if (root == value)
    return buffer;
  check(owner->block == placement->block && channel % owner->block == 0);
  placement_shape(pool, value, placement, buffer->shape);
  buffer->offset = simplify(
      pool, expr_add(pool, buffer->offset,
                     expr_mul(pool, expr_index(pool, channel / owner->block),
                              buffer->strides[1])));
  return buffer;
}

size_t placement_indices(struct expr_pool *pool,
                         const struct placement *placement, size_t rank,
                         const struct expr *const *indices,
                         const struct expr **out) {
  for (size_t i = 0; i < rank; i++)
    out[i] = indices[i];
  if (!placement->block)
    return rank;
  const struct expr *block = expr_index(pool, placement->block);
  out[1] = simplify(pool, expr_floor_div(pool, indices[1], block));
  out[rank] = simplify(pool, expr_floor_mod(pool, indices[1], block));
  return rank + 1;
}

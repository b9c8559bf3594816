/* SPDX-License-Identifier: Apache-2.0 */
/* From placements to buffers and indices. */
#include "schedule/placement.h"

#include "ir/scalar.h"
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

int64_t placement_lines_in_one_set(int64_t stride_bytes, int64_t count) {
  enum { LINE = 64, SETS = 64 };
  int64_t lines[SETS] = {0}, most = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t *line = &lines[i * stride_bytes / LINE % SETS];
    most = ++*line > most ? *line : most;
  }
  return most;
}

int64_t placement_padding(int64_t stride_bytes, int64_t step_bytes,
                          int64_t most, int64_t count) {
  int64_t best = 0, fewest = 0;
  for (int64_t steps = 0; steps <= most; steps++) {
    int64_t lines =
        placement_lines_in_one_set(stride_bytes + steps * step_bytes, count);
    if (fewest == 0 || lines < fewest) {
      fewest = lines;
      best = steps;
    }
  }
  return best;
}

/* Elements behind each plane of a channel block that nobody uses. A kernel goes
 * through the blocks at one place of the plane; with planes a multiple of 4 KiB
 * apart, all that would fall into one set of the L1 cache. */
static int64_t plane_padding(const struct buffer *buffer) {
  enum { LINE_ELEMENTS = 16, MOST_LINES = 8, BLOCKS = 32 };
  int64_t plane, bytes = (int64_t)dtype_bits(buffer->dtype) / 8;
  if (!expr_get_integer(buffer->strides[1], &plane))
    return 0;
  int64_t most = plane / 16 / LINE_ELEMENTS;
  return placement_padding(plane * bytes, LINE_ELEMENTS * bytes,
                           most < MOST_LINES ? most : MOST_LINES, BLOCKS) *
         LINE_ELEMENTS;
}

static void pad_planes(struct expr_pool *pool, struct buffer *buffer) {
  int64_t padding = plane_padding(buffer);
  if (padding == 0)
    return;
  buffer->strides[1] = simplify(
      pool, expr_add(pool, buffer->strides[1], expr_index(pool, padding)));
  buffer->strides[0] =
      simplify(pool, expr_mul(pool, buffer->shape[1], buffer->strides[1]));
  buffer->size =
      simplify(pool, expr_mul(pool, buffer->shape[0], buffer->strides[0]));
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
  if (owner->block && rank == 5)
    pad_planes(pool, buffer);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/direct.h"

#include "schedule/regroup.h"

void direct_demand(const struct match_query *query, const struct group *group,
                   const struct node *node, size_t input, struct demand *out) {
  (void)group;
  struct window2d window;
  if (input != 0 || !window2d_of_conv(node, &window)) {
    out->any = true;
    return;
  }
  out->blocked = window.in_channels >= query->block / 2;
  window2d_halo(&window, out);
}

struct packing {
  struct window2d window;
  int64_t block, chunk;
  bool blocked_input;
};

/* packed[k, c, kh, kw, ci, lane], or without ci. */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *lane = axes[packing->blocked_input ? 5 : 4];
  const struct expr *k = expr_add(pool, expr_mul(pool, axes[0], block), lane);
  const struct expr *c = axes[1];
  if (packing->blocked_input)
    c = expr_add(pool, expr_mul(pool, c, expr_index(pool, packing->chunk)),
                 axes[4]);
  const struct expr *indices[4] = {k, c, axes[2], axes[3]};
  const struct expr *exists = expr_and(
      pool, expr_less(pool, k, expr_index(pool, packing->window.out_channels)),
      expr_less(pool, c,
                expr_index(pool, packing->window.in_channels /
                                     packing->window.groups)));
  return expr_select(pool, exists, expr_load(pool, source, indices, 4),
                     expr_constant(pool, source->dtype, 0));
}

void direct_stage(struct builder *builder, const struct node *node,
                  struct buffer *sums) {
  struct expr_pool *pool = builder->pool;
  const struct value *x = node->inputs[0];
  struct packing packing = {.block = builder->block};
  window2d_of_conv(node, &packing.window);
  const struct window2d *window = &packing.window;
  packing.blocked_input = builder->placements[x->id].block != 0;
  int64_t per_group = window->in_channels / window->groups;
  packing.chunk =
      packing.blocked_input ? window2d_chunk(per_group, builder->block) : 1;
  const struct expr *lanes = expr_index(pool, builder->block);
  const struct expr *shape[6] = {
      expr_index(pool, ceil_div(window->out_channels, builder->block)),
      expr_index(pool, ceil_div(per_group, packing.chunk)),
      expr_index(pool, window->kernel[0]),
      expr_index(pool, window->kernel[1]),
      packing.blocked_input ? expr_index(pool, packing.chunk) : lanes,
      lanes};
  struct buffer *in = builder_buffer(builder, x);
  struct buffer *weights =
      builder_pack(builder, node->inputs[1], "direct", shape,
                   packing.blocked_input ? 6 : 5, pack_weights, &packing);
  struct stage *stage = builder_stage(builder, sums);
  const struct expr *axes[5];
  for (size_t i = 0; i < 5; i++)
    axes[i] = expr_variable(pool, stage->axes[i]);
  const struct expr *c = builder_reduction(builder, stage, "c", shape[1]);
  const struct expr *kh = builder_reduction(builder, stage, "kh", shape[2]);
  const struct expr *kw = builder_reduction(builder, stage, "kw", shape[3]);
  /* Where a tap is the only one, its place is that of the output. */
  const struct expr *none = expr_index(pool, 0);
  const struct expr *row = window->kernel[0] == 1 ? none : kh;
  const struct expr *column = window->kernel[1] == 1 ? none : kw;
  const struct expr *group_start = c;
  if (window->groups > 1) {
    const struct expr *blocks_per_group = expr_index(
        pool, window->out_channels / window->groups / builder->block);
    group_start =
        expr_add(pool, c,
                 expr_mul(pool, expr_floor_div(pool, axes[1], blocks_per_group),
                          shape[1]));
  }
  const struct expr *at[5] = {
      axes[0], group_start, window2d_position(pool, window, 0, axes[2], row),
      window2d_position(pool, window, 1, axes[3], column)};
  const struct expr *w[6] = {axes[1], c, kh, kw};
  if (packing.blocked_input) {
    w[4] = builder_reduction(builder, stage, "ci", shape[4]);
    w[5] = axes[4];
    window2d_channel(pool, packing.chunk, builder->block, group_start, w[4],
                     &at[1], &at[4]);
  } else {
    w[4] = axes[4];
  }
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, sums->dtype, 0);
  stage->body = expr_mul(pool, expr_load(pool, in, at, in->rank),
                         expr_load(pool, weights, w, weights->rank));
  vec_push(builder->arena, &builder->stages, stage);
}

int64_t direct_row_length(const struct builder *builder,
                          const struct node *node) {
  int64_t height = regroup_height(builder), width = regroup_width(builder);
  struct window2d window;
  window2d_of_conv(node, &window);
  if (!window2d_is_pointwise(&window) || height < 1 || width < 1)
    return width;
  return tile_row_length(builder->machine, height, width,
                         ceil_div(window.out_channels, builder->block));
}

struct tile direct_tile(const struct builder *builder, const struct node *node,
                        int64_t most_blocks) {
  int64_t channels = value_dim(node->outputs[0], 1);
  return tile_choose(builder->machine, regroup_width(builder),
                     ceil_div(channels, builder->block), most_blocks);
}

size_t direct_limit_unroll(const struct builder *builder,
                           const struct node *node, const int64_t *values,
                           size_t count) {
  struct window2d window;
  window2d_of_conv(node, &window);
  int64_t chunk =
      window2d_chunk(window.in_channels / window.groups, builder->block);
  while (values[count - 1] > chunk)
    count--;
  return count;
}

/* A plain input has few channels. Kernel columns are not unrolled: with a
 * stride, they read columns that neighbours read too, and a compiler that keeps
 * those runs out of registers. */
struct reduce_plan direct_plan(const struct builder *builder,
                               const struct stage *stage, int64_t unroll) {
  static const char *const channels[] = {"c", NULL};
  bool blocked = stage->reduction_count == 4;
  return (struct reduce_plan){
      .unrolled = blocked ? NULL : channels,
      .factor = blocked ? unroll : 1,
      .lanes = builder->block,
      .inner_axis = 1,
  };
}

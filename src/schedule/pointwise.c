/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/pointwise.h"

struct packing {
  int64_t block, chunk, in_channels, out_channels;
};

/* packed[k, c, ci, lane] */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[0], block), axes[3]);
  const struct expr *c = expr_add(
      pool, expr_mul(pool, axes[1], expr_index(pool, packing->chunk)), axes[2]);
  const struct expr *indices[4] = {k, c, zero, zero};
  const struct expr *exists = expr_and(
      pool, expr_less(pool, k, expr_index(pool, packing->out_channels)),
      expr_less(pool, c, expr_index(pool, packing->in_channels)));
  return expr_select(pool, exists, expr_load(pool, source, indices, 4),
                     expr_constant(pool, source->dtype, 0));
}

void pointwise_stage(struct builder *builder, const struct node *node,
                     struct buffer *out, const int64_t *before) {
  struct expr_pool *pool = builder->pool;
  struct window2d window;
  window2d_of_conv(node, &window);
  int64_t chunk = window2d_chunk(window.in_channels, builder->block);
  struct packing packing = {builder->block, chunk, window.in_channels,
                            window.out_channels};
  const struct expr *shape[4] = {
      expr_index(pool, ceil_div(window.out_channels, builder->block)),
      expr_index(pool, ceil_div(window.in_channels, chunk)),
      expr_index(pool, chunk), expr_index(pool, builder->block)};
  struct buffer *in = builder_buffer(builder, node->inputs[0]);
  struct buffer *weights = builder_pack(builder, node->inputs[1], "pointwise",
                                        shape, 4, pack_weights, &packing);
  struct stage *stage = builder_stage(builder, out);
  const struct expr *axes[5];
  for (size_t i = 0; i < 5; i++)
    axes[i] = expr_variable(pool, stage->axes[i]);
  const struct expr *c = builder_reduction(builder, stage, "c", shape[1]);
  const struct expr *ci = builder_reduction(builder, stage, "ci", shape[2]);
  const struct expr *at[5] = {
      axes[0], NULL, expr_sub(pool, axes[2], expr_index(pool, before[0])),
      expr_sub(pool, axes[3], expr_index(pool, before[1]))};
  window2d_channel(pool, chunk, builder->block, c, ci, &at[1], &at[4]);
  const struct expr *w[4] = {axes[1], c, ci, axes[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, out->dtype, 0);
  stage->body = expr_mul(pool, expr_load(pool, in, at, 5),
                         expr_load(pool, weights, w, 4));
  vec_push(builder->arena, &builder->stages, stage);
}

bool pointwise_is_between(const struct node *node) {
  if (node->op->fusion != FUSION_ELEMENTWISE || node->output_count != 1)
    return false;
  size_t variable = 0;
  for (size_t i = 0; i < node->input_count; i++)
    variable += node->inputs[i] && !node->inputs[i]->constant;
  return variable == 1 && node->outputs[0]->rank == 4;
}

struct node *pointwise_chain(const struct graph_users *users,
                             struct node **nodes, size_t capacity,
                             size_t *count) {
  struct node *next = graph_only_user(users, nodes[*count - 1]->outputs[0]);
  while (next && pointwise_is_between(next) && *count + 2 < capacity) {
    nodes[(*count)++] = next;
    next = graph_only_user(users, next->outputs[0]);
  }
  return next;
}

struct node *pointwise_after_depthwise(struct match_query *query,
                                       struct node *node, struct node **nodes,
                                       size_t capacity, size_t *count) {
  struct window2d each, narrow;
  const char *reason = NULL;
  struct node *next = NULL;
  *count = 0;
  if (!window2d_of_conv(node, &each) || !window2d_is_depthwise(&each)) {
    reason = "not a depthwise convolution";
  } else {
    nodes[(*count)++] = node;
    next = pointwise_chain(query->users, nodes, capacity, count);
    const struct node *last = nodes[*count - 1];
    if (!next || !window2d_of_conv(next, &narrow) ||
        !window2d_is_pointwise(&narrow) || next->inputs[0] != last->outputs[0])
      reason = "no 1x1 convolution follows";
    else if (*count == 1 && !window2d_has_bias(node))
      reason = "neither a bias nor an activation between";
    else if (value_dim(last->outputs[0], 3) == 1)
      reason = "one column, which register tiles have no loop over";
  }
  if (!reason)
    return next;
  match_decline(query, reason);
  return NULL;
}

int64_t rows_in_tile(const struct machine *machine,
                     const struct window2d *depthwise, int64_t block,
                     int64_t height, int64_t width) {
  int64_t reach = (depthwise->kernel[0] - 1) * depthwise->dilation[0];
  int64_t row_bytes = (width < 1 ? 256 : width + 2) * block * 4;
  int64_t rows = machine->l2_bytes / 2 / row_bytes - reach;
  rows /= depthwise->stride[0];
  int64_t all = height < 1 ? 64 : ceil_div(height, depthwise->stride[0]);
  if (rows > all)
    rows = all;
  return rows < 1 ? 1 : rows;
}

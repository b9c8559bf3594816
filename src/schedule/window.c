/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/window.h"

#include "ir/simplify.h"

static void pair(const struct node *node, const char *name, int64_t missing,
                 int64_t *out) {
  size_t count;
  const int64_t *values = node_ints(node, name, &count);
  for (size_t i = 0; i < 2; i++)
    out[i] = i < count ? values[i] : missing;
}

static bool read_window(const struct node *node, struct window2d *out) {
  const struct value *x = node->inputs[0], *w = node->inputs[1];
  const struct value *bias = node->input_count > 2 ? node->inputs[2] : NULL;
  if (x->rank != 4 || x->dtype != ADZE_F32 || !w->constant ||
      (bias && !bias->constant))
    return false;
  size_t count;
  const int64_t *pads = node_ints(node, "pads", &count);
  pair(node, "strides", 1, out->stride);
  pair(node, "dilations", 1, out->dilation);
  out->groups = node_int(node, "group");
  for (size_t i = 0; i < 2; i++) {
    out->kernel[i] = w->constant->dims[2 + i];
    out->before[i] = count == 4 ? pads[i] : 0;
    out->after[i] = count == 4 ? pads[2 + i] : 0;
    if (out->before[i] < 0 || out->after[i] < 0)
      return false;
  }
  return true;
}

bool window2d_of_conv(const struct node *node, struct window2d *out) {
  if (node->op != &op_conv || !read_window(node, out))
    return false;
  const struct constant *weights = node->inputs[1]->constant;
  out->in_channels = weights->dims[1] * out->groups;
  out->out_channels = weights->dims[0];
  return true;
}

bool window2d_of_conv_transpose(const struct node *node, struct window2d *out) {
  if (node->op != &op_conv_transpose || !read_window(node, out))
    return false;
  const struct constant *weights = node->inputs[1]->constant;
  out->in_channels = weights->dims[0];
  out->out_channels = weights->dims[1] * out->groups;
  pair(node, "output_padding", 0, out->extra);
  return true;
}

bool window2d_is_depthwise(const struct window2d *window) {
  return window->groups > 1 && window->groups == window->in_channels &&
         window->groups == window->out_channels;
}

bool window2d_is_pointwise(const struct window2d *window) {
  bool is = window->groups == 1;
  for (size_t i = 0; i < 2; i++)
    is = is && window->kernel[i] == 1 && window->stride[i] == 1 &&
         window->before[i] == 0 && window->after[i] == 0;
  return is;
}

int64_t window2d_chunk(int64_t channels, int64_t block) {
  int64_t chunk = block;
  while (chunk > 1 && channels % chunk != 0)
    chunk /= 2;
  return chunk < 4 ? block : chunk;
}

int64_t window2d_summed(int64_t channels, int64_t block) {
  int64_t chunk = window2d_chunk(channels, block);
  return ceil_div(channels, chunk) * chunk;
}

void window2d_channel(struct expr_pool *pool, int64_t chunk, int64_t block,
                      const struct expr *i, const struct expr *j,
                      const struct expr **in_block, const struct expr **lane) {
  if (chunk == block) {
    *in_block = i;
    *lane = j;
    return;
  }
  const struct expr *chunks = expr_index(pool, block / chunk);
  *in_block = expr_floor_div(pool, i, chunks);
  *lane = expr_add(
      pool,
      expr_mul(pool, expr_floor_mod(pool, i, chunks), expr_index(pool, chunk)),
      j);
}

void window2d_halo(const struct window2d *window, struct demand *demand) {
  for (size_t i = 0; i < 2; i++) {
    demand->before[2 + i] = window->before[i];
    demand->after[2 + i] = window->after[i];
  }
}

const struct expr *window2d_position(struct expr_pool *pool,
                                     const struct window2d *window, int axis,
                                     const struct expr *o,
                                     const struct expr *k) {
  const struct expr *start =
      expr_mul(pool, o, expr_index(pool, window->stride[axis]));
  const struct expr *tap =
      expr_mul(pool, k, expr_index(pool, window->dilation[axis]));
  return simplify(pool, expr_sub(pool, expr_add(pool, start, tap),
                                 expr_index(pool, window->before[axis])));
}

const struct expr *window2d_phase_weight(
    struct expr_pool *pool, const struct window2d *window,
    struct buffer *weights, const struct expr *first, const struct expr *second,
    const struct expr *const *phase, const struct expr *const *tap) {
  const struct expr *at[4] = {first, second}, *exists = expr_bool(pool, true);
  for (int axis = 0; axis < 2; axis++) {
    at[2 + axis] = expr_add(
        pool, phase[axis],
        expr_mul(pool, tap[axis], expr_index(pool, window->stride[axis])));
    exists = expr_and(
        pool, exists,
        expr_less(pool, at[2 + axis], expr_index(pool, window->kernel[axis])));
  }
  return expr_select(pool, exists, expr_load(pool, weights, at, 4),
                     expr_constant(pool, weights->dtype, 0));
}

struct bias_packing {
  int64_t block, channels;
};
static const struct expr *pack_bias(void *context, struct expr_pool *pool,
                                    struct buffer *source,
                                    const struct expr *const *axes) {
  const struct bias_packing *packing = context;
  const struct expr *c = expr_add(
      pool, expr_mul(pool, axes[0], expr_index(pool, packing->block)), axes[1]);
  return expr_select(
      pool, expr_less(pool, c, expr_index(pool, packing->channels)),
      expr_load(pool, source, &c, 1), expr_constant(pool, source->dtype, 0));
}

bool window2d_has_bias(const struct node *node) {
  return node->input_count > 2 && node->inputs[2];
}

const struct expr *window2d_add_bias(struct builder *builder,
                                     const struct node *node,
                                     const struct expr *sum,
                                     const struct expr *k,
                                     const struct expr *lane) {
  struct expr_pool *pool = builder->pool;
  if (!window2d_has_bias(node))
    return sum;
  struct bias_packing packing = {builder->block,
                                 node->inputs[2]->constant->dims[0]};
  const struct expr *shape[2] = {
      expr_index(pool, ceil_div(packing.channels, packing.block)),
      expr_index(pool, packing.block)};
  struct buffer *bias = builder_pack(builder, node->inputs[2], "bias", shape, 2,
                                     pack_bias, &packing);
  const struct expr *indices[2] = {k, lane};
  return expr_add(pool, sum, expr_load(pool, bias, indices, 2));
}

struct buffer *window2d_sums(struct builder *builder, const struct node *node) {
  const struct value *out = node->outputs[0];
  if (!window2d_has_bias(node))
    return builder_buffer(builder, out);
  const struct expr *shape[LOOP_MAX_RANK];
  size_t rank =
      placement_shape(builder->pool, out, &builder->placements[out->id], shape);
  return buffer_new(builder->pool, builder_name(builder, "sums"), out->dtype,
                    BUFFER_STACK, shape, rank);
}

void window2d_finish(struct builder *builder, const struct node *node,
                     struct buffer *sums) {
  if (!window2d_has_bias(node))
    return;
  struct stage *stage =
      builder_stage(builder, builder_buffer(builder, node->outputs[0]));
  const struct expr *axes[5];
  for (size_t i = 0; i < 5; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  stage->body = window2d_add_bias(
      builder, node, expr_load(builder->pool, sums, axes, 5), axes[1], axes[4]);
  vec_push(builder->arena, &builder->stages, stage);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution on channel blocks: every channel by itself.
 *
 *   out[n,c,y,x,lane] = sum(kh,kw) in[n,c,y*s+kh*d-p,x*s+kw*d-p,lane]
 *                                  * packed[c,kh,kw,lane]
 *
 * A tile is some columns of one row; the kernel's columns are unrolled, so
 * neighbouring outputs share the loads of the input between them.
 */
#include "ir/simplify.h"
#include "schedule/depthwise.h"
#include "schedule/tile.h"

static size_t depthwise_match(struct match_query *query, struct node *node,
                              struct node **nodes, size_t capacity) {
  struct window2d window;
  if (capacity < 1 || !window2d_of_conv(node, &window))
    return match_decline(query, "not a 2-d fp32 convolution with constant "
                                "weights");
  if (!window2d_is_depthwise(&window))
    return match_decline(query, "not depthwise");
  nodes[0] = node;
  return 1;
}

static void depthwise_demand(const struct match_query *query,
                             const struct group *group, const struct node *node,
                             size_t input, struct demand *out) {
  (void)query, (void)group;
  struct window2d window;
  if (input != 0 || !window2d_of_conv(node, &window)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  window2d_halo(&window, out);
}

void depthwise_fused_demand(const struct group *group,
                            const struct node *depthwise,
                            const struct node *node, size_t input,
                            struct demand *out) {
  struct window2d window;
  if (node != group->nodes.data[0] || input != 0) {
    out->any = true;
    return;
  }
  window2d_of_conv(depthwise, &window);
  out->blocked = true;
  window2d_halo(&window, out);
}

/* packed[c, kh, kw, lane] */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct builder *builder = context;
  const struct expr *c = expr_add(
      pool, expr_mul(pool, axes[0], expr_index(pool, builder->block)), axes[3]);
  const struct expr *indices[4] = {c, expr_index(pool, 0), axes[1], axes[2]};
  return expr_select(pool, expr_less(pool, c, source->shape[0]),
                     expr_load(pool, source, indices, 4),
                     expr_constant(pool, source->dtype, 0));
}

void depthwise_stage(struct builder *builder, const struct node *node,
                     struct buffer *in, const struct window2d *window) {
  struct expr_pool *pool = builder->pool;
  const struct expr *shape[4] = {
      expr_index(pool, ceil_div(window->out_channels, builder->block)),
      expr_index(pool, window->kernel[0]), expr_index(pool, window->kernel[1]),
      expr_index(pool, builder->block)};
  struct buffer *weights = builder_pack(builder, node->inputs[1], "depthwise",
                                        shape, 4, pack_weights, builder);
  struct buffer *sums = window2d_sums(builder, node);
  struct stage *stage = builder_stage(builder, sums);
  const struct expr *axes[5];
  for (size_t i = 0; i < 5; i++)
    axes[i] = expr_variable(pool, stage->axes[i]);
  const struct expr *kh = builder_reduction(builder, stage, "kh", shape[1]);
  const struct expr *kw = builder_reduction(builder, stage, "kw", shape[2]);
  const struct expr *at[5] = {
      axes[0], axes[1], window2d_position(pool, window, 0, axes[2], kh),
      window2d_position(pool, window, 1, axes[3], kw), axes[4]};
  const struct expr *w[4] = {axes[1], kh, kw, axes[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, sums->dtype, 0);
  stage->body = expr_mul(pool, expr_load(pool, in, at, 5),
                         expr_load(pool, weights, w, 4));
  vec_push(builder->arena, &builder->stages, stage);
  window2d_finish(builder, node, sums);
}

static enum adze_status depthwise_express(struct builder *builder) {
  const struct node *node = builder->group->nodes.data[0];
  struct window2d window;
  window2d_of_conv(node, &window);
  depthwise_stage(builder, node, builder_buffer(builder, node->inputs[0]),
                  &window);
  return ADZE_OK;
}

static const char *const depthwise_knobs[] = {"columns", NULL};

/* Two registers besides: a vector of weights, and one to spare. */
static int64_t widest_tile(const struct builder *builder,
                           const struct node *node) {
  struct window2d window;
  window2d_of_conv(node, &window);
  return tile_window_widest(builder->machine,
                            (window.kernel[1] - 1) * window.dilation[1],
                            window.stride[1], 2);
}

size_t depthwise_space_columns(const struct builder *builder,
                               const struct node *node, int64_t *values,
                               size_t capacity) {
  return tile_window_space(widest_tile(builder, node), values, capacity);
}

static size_t depthwise_space(const struct builder *builder, size_t knob,
                              int64_t *values, size_t capacity) {
  (void)knob;
  return depthwise_space_columns(builder, builder->group->nodes.data[0], values,
                                 capacity);
}

int64_t depthwise_choose_columns(const struct builder *builder,
                                 const struct node *node) {
  return tile_window_choose(value_dim(node->outputs[0], 3),
                            widest_tile(builder, node));
}

static void depthwise_choose(const struct builder *builder, int64_t *knobs) {
  knobs[0] = depthwise_choose_columns(builder, builder->group->nodes.data[0]);
}

struct reduce_plan depthwise_plan(const struct builder *builder,
                                  const struct stage *stage) {
  static const char *const kernel[] = {"kh", "kw", NULL};
  static const char *const kernel_columns[] = {"kw", NULL};
  int64_t taps = stage->reductions[0]->extent->integer *
                 stage->reductions[1]->extent->integer;
  return (struct reduce_plan){
      .unrolled = taps <= 25 ? kernel : kernel_columns,
      .factor = 1,
      .lanes = builder->block,
  };
}

enum adze_status depthwise_rows_at(struct builder *builder,
                                   struct schedule *schedule,
                                   const struct stage *middle,
                                   struct statement *at, int64_t columns) {
  const struct stage *sums = builder->stages.data[0];
  struct statement *loops[LOOP_MAX_RANK * 2], *x, *column;
  struct statement *block = schedule_block(schedule, middle->name, BLOCK_WHOLE);
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, at));
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  /* …, row, column, lane */
  TRY(schedule_split(schedule, loops[count - 2], columns, &x, &column));
  TRY(schedule_partition(schedule, x));
  block = schedule_block(schedule, sums->name, BLOCK_WHOLE);
  TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
  struct reduce_plan plan = depthwise_plan(builder, sums);
  TRY(common_reduce_at(schedule, block, x, &plan));
  TRY(schedule_unroll(schedule, column));
  return schedule_vectorize(schedule, loops[count - 1]);
}

static enum adze_status depthwise_apply(struct builder *builder,
                                        struct schedule *schedule,
                                        const int64_t *knobs) {
  const struct stage *anchor = builder->stages.data[0];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *x, *x_inner;
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[3], knobs[0], &x, &x_inner));
  TRY(schedule_partition(schedule, x));
  struct reduce_plan plan = depthwise_plan(builder, anchor);
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), x, &plan));
  TRY(schedule_unroll(schedule, x_inner));
  TRY(schedule_vectorize(schedule, loops[4]));
  return common_parallel(schedule, loops, 3);
}

const struct template template_conv_depthwise = {
    .name = "conv_depthwise",
    .summary = "depthwise convolution on channel blocks in row tiles",
    .output_blocked = true,
    .match = depthwise_match,
    .demand = depthwise_demand,
    .express = depthwise_express,
    .knobs = depthwise_knobs,
    .space = depthwise_space,
    .choose = depthwise_choose,
    .apply = depthwise_apply,
};

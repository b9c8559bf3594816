/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution and the pooling after it in one kernel: what lies between them
 * is made for some rows of some blocks of channels at a time, in scratch memory
 * that stays in the cache.
 *
 *   sums[n,k,y,x,lane]   the convolution, directly (direct.h)
 *   image[n,k,y,x,lane]  = between(sums)
 *   out[n,k,y,x,lane]    = pooling of image[n,k,…,lane]
 *
 * `between` are the bias and the elementwise nodes from one to the other. Rows
 * that the windows of two row tiles share are computed twice; that is the
 * price. The pooling keeps its operator's tests of what lies outside.
 */
#include "schedule/conv_pool_plan.h"
#include "schedule/direct.h"
#include "schedule/pointwise.h"
#include "schedule/pool.h"

enum { KNOB_ROWS, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_UNROLL, KNOB_POOLED };

static const struct node *conv_of(const struct group *group) {
  return group->nodes.data[0];
}
static const struct node *pool_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

/* ---- Match --------------------------------------------------------------- */
static size_t fused_match(struct match_query *query, struct node *node,
                          struct node **nodes, size_t capacity) {
  struct window2d window;
  struct conv_pool_plan plan;
  size_t count = 0;
  if (!window2d_of_conv(node, &window) || window.groups != 1)
    return match_decline(query, "not a 2-d fp32 convolution of one group with "
                                "constant weights");
  nodes[count++] = node;
  struct node *pool = pointwise_chain(query->users, nodes, capacity, &count);
  const struct node *last = nodes[count - 1];
  if (!pool || !pool_is(pool) || count == capacity ||
      pool->inputs[0] != last->outputs[0] || pool->inputs[0]->dtype != ADZE_F32)
    return match_decline(query, "no pooling follows");
  const char *reason =
      conv_pool_plan_read(query->machine, query->block, node, pool, &plan);
  if (reason)
    return match_decline(query, reason);
  if (!conv_pool_plan_gains(query, node, pool, &plan))
    return match_decline(query, "two kernels are as fast");
  nodes[count++] = pool;
  return count;
}

static void fused_demand(const struct match_query *query,
                         const struct group *group, const struct node *node,
                         size_t input, struct demand *out) {
  if (node == conv_of(group))
    direct_demand(query, group, node, input, out);
  else
    out->any = true;
}

/* ---- Stages -------------------------------------------------------------- */
static enum adze_status fused_express(struct builder *builder) {
  const struct group *group = builder->group;
  const struct node *conv = conv_of(group);
  struct buffer *sums = window2d_sums(builder, conv);
  direct_stage(builder, conv, sums);
  window2d_finish(builder, conv, sums);
  for (size_t i = 1; i < group->anchor_count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  return ADZE_OK;
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const fused_knobs[] = {"rows",   "columns", "blocks",
                                          "unroll", "pooled",  NULL};

static size_t fused_space(const struct builder *builder, size_t knob,
                          int64_t *values, size_t capacity) {
  const struct group *group = builder->group;
  size_t count = 0;
  if (knob == KNOB_POOLED)
    return pool_space_columns(builder, pool_of(group), values, capacity);
  if (knob == KNOB_ROWS) {
    for (int64_t rows = 1; rows <= CONV_POOL_MOST_ROWS && count < capacity;
         rows++)
      values[count++] = rows;
    return count;
  }
  count = tile_space(builder,
                     knob == KNOB_COLUMNS  ? TILE_COLUMNS
                     : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                           : TILE_UNROLL,
                     values, capacity);
  return knob != KNOB_UNROLL
             ? count
             : direct_limit_unroll(builder, conv_of(group), values, count);
}

static void fused_choose(const struct builder *builder, int64_t *knobs) {
  const struct group *group = builder->group;
  struct conv_pool_plan plan;
  const char *reason = conv_pool_plan_read(
      builder->machine, builder->block, conv_of(group), pool_of(group), &plan);
  check(!reason);
  knobs[KNOB_ROWS] = plan.rows;
  knobs[KNOB_COLUMNS] = plan.tile.columns;
  knobs[KNOB_BLOCKS] = plan.tile.blocks;
  knobs[KNOB_UNROLL] = 4;
  knobs[KNOB_POOLED] = pool_choose_columns(builder, pool_of(group));
}

/* ---- Schedule ------------------------------------------------------------ */
/* The part of the image that a tile of rows and channels needs, in the loop
 * `at`, in register tiles as direct convolution makes them. */
static enum adze_status schedule_image(struct builder *builder,
                                       struct schedule *schedule,
                                       const struct stage *image,
                                       struct statement *at,
                                       const int64_t *knobs) {
  const struct stage *sums = builder->stages.data[0];
  struct statement *block, *k, *y, *x, *column = NULL, *lane;
  TRY(common_writer(schedule, sums, image, &block));
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, at));
  k = common_loop_over(schedule, block, 1, at);
  y = common_loop_over(schedule, block, 2, at);
  x = common_loop_over(schedule, block, 3, at);
  lane = common_loop_over(schedule, block, 4, at);
  if (x) {
    TRY(schedule_split(schedule, x, knobs[KNOB_COLUMNS], &x, &column));
    TRY(schedule_partition(schedule, x));
  }
  struct statement *order[5], *all[] = {y, x, column, k, lane};
  size_t count = 0;
  for (size_t i = 0; i < ARRAY_COUNT(all); i++)
    if (all[i])
      order[count++] = all[i];
  if (count > 1)
    TRY(schedule_reorder(schedule, order, count));
  struct reduce_plan plan = direct_plan(builder, sums, knobs[KNOB_UNROLL]);
  TRY(common_reduce_at(schedule,
                       schedule_block(schedule, sums->name, BLOCK_WHOLE),
                       x   ? x
                       : y ? y
                           : at,
                       &plan));
  if (column)
    TRY(schedule_unroll(schedule, column));
  if (k)
    TRY(schedule_unroll(schedule, k));
  TRY(schedule_vectorize(schedule, lane));
  return common_prefetch_stream(builder, schedule,
                                conv_of(builder->group)->inputs[1]);
}

static enum adze_status fused_apply(struct builder *builder,
                                    struct schedule *schedule,
                                    const int64_t *knobs) {
  const struct node *pool = pool_of(builder->group);
  const struct buffer *between = builder_buffer(builder, pool->inputs[0]);
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *k, *k_inner, *rows, *row, *x,
      *column;
  size_t image = common_stage_of(builder, between);
  const struct stage *anchor = builder->stages.data[image + 1];
  TRY(common_inline_others(builder, schedule, &between, 1));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[2], knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_POOLED], &x, &column));
  struct statement *order[] = {loops[0], rows, k,      k_inner,
                               row,      x,    column, loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(pool_schedule(builder, schedule, pool, anchor, x, column, loops[4]));
  TRY(schedule_image(builder, schedule, builder->stages.data[image], k, knobs));
  return common_parallel(schedule, order, 3);
}

const struct template template_conv_pool = {
    .name = "conv_pool",
    .summary = "convolution and the pooling after it in row tiles",
    .output_blocked = true,
    .match = fused_match,
    .demand = fused_demand,
    .express = fused_express,
    .knobs = fused_knobs,
    .space = fused_space,
    .choose = fused_choose,
    .apply = fused_apply,
};

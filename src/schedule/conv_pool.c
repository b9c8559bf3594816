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
 * price. The pooling keeps its operator's tests of what lies outside. Global
 * pooling adds up row by row what is made row by row, or all at once after a
 * 1x1 convolution of a small image, whose places can be taken in one row.
 */
#include "schedule/conv_pool_plan.h"
#include "schedule/direct.h"
#include "schedule/pool.h"
#include "schedule/regroup.h"

enum { KNOB_ROWS, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_UNROLL, KNOB_POOLED };

static const struct node *conv_of(const struct group *group) {
  return group->nodes.data[0];
}
static const struct node *pool_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

/* ---- Match --------------------------------------------------------------- */
/* Elementwise, of values of one shape: what is added may be another image, but
 * of two convolutions only the last has the nodes after both. */
static bool is_between(const struct match_query *query, const struct node *conv,
                       const struct value *image, const struct node *node) {
  const size_t *position = query->position;
  if (node->op->fusion != FUSION_ELEMENTWISE || node->output_count != 1 ||
      node->outputs[0]->rank != 4)
    return false;
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *x = node->inputs[i];
    if (!x || x->constant)
      continue;
    if (x->dtype != ADZE_F32 || !value_same_shape(x, node->outputs[0]))
      return false;
    if (x != image && x->producer &&
        position[x->producer->id] > position[conv->id])
      return false;
  }
  return true;
}

/* The nodes from the convolution to the pooling, and that; or NULL. */
static struct node *find_pool(const struct match_query *query,
                              struct node **nodes, size_t capacity,
                              size_t *count) {
  const struct value *image = nodes[0]->outputs[0];
  struct node *next = graph_only_user(query->users, image);
  while (next && is_between(query, nodes[0], image, next) &&
         *count + 2 < capacity) {
    nodes[(*count)++] = next;
    image = next->outputs[0];
    next = graph_only_user(query->users, image);
  }
  bool pools = next && (pool_is(next) || pool_is_global(next)) &&
               next->inputs[0] == image && image->dtype == ADZE_F32;
  return pools && *count < capacity ? next : NULL;
}

static size_t fused_match(struct match_query *query, struct node *node,
                          struct node **nodes, size_t capacity) {
  struct window2d window;
  struct conv_pool_plan plan;
  size_t count = 0;
  if (!window2d_of_conv(node, &window) || window.groups != 1)
    return match_decline(query, "not a 2-d fp32 convolution of one group with "
                                "constant weights");
  nodes[count++] = node;
  struct node *pool = find_pool(query, nodes, capacity, &count);
  if (!pool)
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
  builder->local_temporaries = true;
  struct buffer *sums = window2d_sums(builder, conv);
  direct_stage(builder, conv, sums);
  window2d_finish(builder, conv, sums);
  for (size_t i = 1; i < group->anchor_count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  return ADZE_OK;
}

/* Windows are of rows as they are. */
static int64_t fused_regroup(const struct builder *builder) {
  return pool_is_global(pool_of(builder->group))
             ? direct_row_length(builder, conv_of(builder->group))
             : regroup_width(builder);
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const fused_knobs[] = {"rows",   "columns", "blocks",
                                          "unroll", "pooled",  NULL};

static size_t fused_space(const struct builder *builder, size_t knob,
                          int64_t *values, size_t capacity) {
  const struct group *group = builder->group;
  size_t count = 0;
  if (pool_is_global(pool_of(group)) &&
      (knob == KNOB_POOLED || knob == KNOB_ROWS)) {
    values[0] = 1;
    return 1;
  }
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
  knobs[KNOB_UNROLL] = 4;
  knobs[KNOB_POOLED] = 1;
  if (pool_is_global(pool_of(group))) /* regrouped, perhaps */
    plan.tile = direct_tile(builder, conv_of(group), plan.tile.blocks);
  else
    knobs[KNOB_POOLED] = pool_choose_columns(builder, pool_of(group));
  knobs[KNOB_COLUMNS] = plan.tile.columns;
  knobs[KNOB_BLOCKS] = plan.tile.blocks;
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
  return schedule_vectorize(schedule, lane);
}

/* Windows: tiles of their rows, for each tile of channels. */
static enum adze_status
apply_windows(struct builder *builder, struct schedule *schedule,
              struct statement **loops, const struct stage *image,
              const struct stage *anchor, const int64_t *knobs) {
  struct statement *k, *k_inner, *rows, *row, *x, *column;
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[2], knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_POOLED], &x, &column));
  struct statement *order[] = {loops[0], rows, k,      k_inner,
                               row,      x,    column, loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(pool_schedule(builder, schedule, pool_of(builder->group), anchor, x,
                    column, loops[4]));
  TRY(schedule_image(builder, schedule, image, k, knobs));
  TRY(common_prefetch_stream(builder, schedule,
                             conv_of(builder->group)->inputs[1]));
  return common_parallel(schedule, order, 3);
}

/* Global pooling: a row at a time is made and added, for each tile of channels,
 * and the next's weights are asked for meanwhile. */
static enum adze_status
apply_global(struct builder *builder, struct schedule *schedule,
             struct statement **loops, const struct stage *image,
             const struct stage *anchor, const int64_t *knobs) {
  struct statement *k, *k_inner, *inside[LOOP_MAX_RANK * 2];
  struct reduce_plan plan = {.factor = 1, .lanes = builder->block};
  struct statement *block = schedule_block(schedule, anchor->name, BLOCK_WHOLE);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  struct statement *at = k;
  struct statement *order[] = {loops[0], k,        k_inner,
                               loops[2], loops[3], loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(common_reduce_at(schedule, block, k, &plan));
  block = schedule_block(schedule, anchor->name, BLOCK_UPDATE);
  check(schedule_loops_around(schedule, block, inside, ARRAY_COUNT(inside)) >
        2);
  /* One row has no loop. */
  if (!expr_is_value(anchor->reductions[0]->extent, 1))
    at = inside[common_behind(inside, k)];
  TRY(schedule_image(builder, schedule, image, at, knobs));
  TRY(common_prefetch_next(builder, schedule,
                           conv_of(builder->group)->inputs[1],
                           builder->stages.data[0], k));
  TRY(schedule_unroll(schedule, k_inner));
  TRY(schedule_vectorize(schedule, loops[4]));
  return common_parallel(schedule, order, 2);
}

static enum adze_status fused_apply(struct builder *builder,
                                    struct schedule *schedule,
                                    const int64_t *knobs) {
  const struct node *pool = pool_of(builder->group);
  const struct buffer *between = builder_buffer(builder, pool->inputs[0]);
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK];
  size_t made = common_stage_of(builder, between);
  const struct stage *image = builder->stages.data[made];
  const struct stage *anchor = builder->stages.data[made + 1];
  TRY(common_inline_others(builder, schedule, &between, 1));
  TRY(common_writer(schedule, anchor, last, &write));
  check(schedule_loops_around(schedule, write, loops, LOOP_MAX_RANK) == 5);
  return pool_is_global(pool)
             ? apply_global(builder, schedule, loops, image, anchor, knobs)
             : apply_windows(builder, schedule, loops, image, anchor, knobs);
}

const struct template template_conv_pool = {
    .name = "conv_pool",
    .summary = "convolution and the pooling after it in row tiles",
    .output_blocked = true,
    .regroup = fused_regroup,
    .match = fused_match,
    .demand = fused_demand,
    .express = fused_express,
    .knobs = fused_knobs,
    .space = fused_space,
    .choose = fused_choose,
    .apply = fused_apply,
};

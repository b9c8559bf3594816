/* SPDX-License-Identifier: Apache-2.0 */
/* A depthwise convolution and the 1x1 convolution after it in one kernel: what
 * lies between them is made for all channels of some rows at a time, in scratch
 * memory that stays in the cache.
 *
 *   sums[n,c,y,x,lane]   the depthwise convolution
 *   middle[n,c,y,x,lane] = between(sums)
 *   out[n,k,y,x,lane]    = sum(c,ci) middle[n,c,y,x,ci] * packed[k,c,ci,lane]
 *
 * `between` are the bias and the elementwise nodes from one convolution to the
 * other. Nothing is computed twice; the price is that the 1x1 convolution's
 * weights are gone through once for each tile of rows.
 */
#include "schedule/common.h"
#include "schedule/depthwise.h"
#include "schedule/pointwise.h"
#include "schedule/strassen_plan.h"
#include "schedule/tile.h"

enum { KNOB_ROWS, KNOB_EACH, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_PANEL };

static const struct node *pointwise_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

/* ---- Cost ---------------------------------------------------------------- */
/* Rows of a tile: those whose middle takes a quarter of the L2 cache, evenly
 * shared by the cores. */
static int64_t rows_choose(const struct machine *machine, int64_t channels,
                           int64_t height, int64_t width) {
  if (height < 1 || width < 1)
    return 4;
  int64_t most = machine->l2_bytes / 4 / (channels * width * 4);
  most = most < 1 ? 1 : most > height ? height : most;
  int64_t rounds = ceil_div(height, most * machine->cores);
  return ceil_div(height, machine->cores * rounds);
}

/* Fusing saves a way to where the middle would lie and back, reading what other
 * cores made of it, and waiting for them. It costs going through the weights
 * again, whole tiles are shared less evenly, and Strassen's algorithm may save
 * more. */
static bool is_cheaper(const struct match_query *query,
                       const struct node *pointwise,
                       const struct window2d *narrow,
                       const struct value *middle) {
  const char *reason;
  const struct machine *machine = query->machine;
  int64_t height = value_dim(middle, 2), width = value_dim(middle, 3);
  if (height < 1 || width < 1)
    return false;
  int64_t channels = ceil_div(narrow->in_channels, query->block) * query->block;
  int64_t rows = rows_choose(machine, channels, height, width);
  int64_t tiles = ceil_div(height, rows), cores = machine->cores;
  double bytes = 4.0 * (double)(channels * width) * (double)height;
  double weights = 4.0 * (double)(channels * narrow->out_channels);
  double saved = tile_fusing_cycles(machine, bytes);
  double products = bytes / 4 * (double)narrow->out_channels /
                    (double)query->block / machine->fma_per_cycle;
  double uneven =
      (double)(ceil_div(tiles, cores) * cores * rows) / (double)height - 1;
  return strassen_gain(query, pointwise, false, &reason) + uneven * products +
             (double)(tiles - 1) * weights / tile_cache_rate(machine, weights) <
         saved;
}

/* ---- Match --------------------------------------------------------------- */
static size_t fused_match(struct match_query *query, struct node *node,
                          struct node **nodes, size_t capacity) {
  struct window2d narrow;
  size_t count;
  struct node *next =
      pointwise_after_depthwise(query, node, nodes, capacity, &count);
  if (!next)
    return 0;
  window2d_of_conv(next, &narrow);
  if (narrow.out_channels < query->block ||
      !is_cheaper(query, next, &narrow, next->inputs[0]))
    return match_decline(query, "what lies between stays in the cache anyway");
  nodes[count++] = next;
  return count;
}

static void fused_demand(const struct match_query *query,
                         const struct group *group, const struct node *node,
                         size_t input, struct demand *out) {
  (void)query;
  depthwise_fused_demand(group, group->nodes.data[0], node, input, out);
}

/* ---- Stages -------------------------------------------------------------- */
static enum adze_status fused_express(struct builder *builder) {
  static const int64_t none[2] = {0, 0};
  const struct group *group = builder->group;
  const struct node *each = group->nodes.data[0], *narrow = pointwise_of(group);
  struct window2d window;
  window2d_of_conv(each, &window);
  depthwise_stage(builder, each, builder_buffer(builder, each->inputs[0]),
                  &window);
  for (size_t i = 1; i + 1 < group->anchor_count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  struct buffer *sums = window2d_sums(builder, narrow);
  pointwise_stage(builder, narrow, sums, none);
  window2d_finish(builder, narrow, sums);
  return ADZE_OK;
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const fused_knobs[] = {"rows",   "each",  "columns",
                                          "blocks", "panel", NULL};

static int64_t out_blocks(const struct builder *builder) {
  return ceil_div(value_dim(pointwise_of(builder->group)->outputs[0], 1),
                  builder->block);
}

static size_t fused_space(const struct builder *builder, size_t knob,
                          int64_t *values, size_t capacity) {
  size_t count = 0;
  if (knob == KNOB_EACH)
    return depthwise_space_columns(builder, builder->group->nodes.data[0],
                                   values, capacity);
  if (knob == KNOB_PANEL)
    return tile_divisors(out_blocks(builder), values, capacity);
  if (knob != KNOB_ROWS)
    return tile_space(builder,
                      knob == KNOB_COLUMNS ? TILE_COLUMNS : TILE_BLOCKS, values,
                      capacity);
  for (int64_t rows = 1; rows <= 64 && count < capacity; rows++)
    values[count++] = rows;
  return count;
}

static void fused_choose(const struct builder *builder, int64_t *knobs) {
  const struct machine *machine = builder->machine;
  const struct node *each = builder->group->nodes.data[0];
  const struct value *out = pointwise_of(builder->group)->outputs[0];
  int64_t channels =
      ceil_div(value_dim(each->outputs[0], 1), builder->block) * builder->block;
  int64_t blocks = out_blocks(builder);
  struct tile tile =
      tile_choose(machine, value_dim(out, 3), blocks, TILE_MOST_BLOCKS);
  int64_t tile_bytes = channels * tile.blocks * builder->block * 4;
  knobs[KNOB_ROWS] =
      rows_choose(machine, channels, value_dim(out, 2), value_dim(out, 3));
  knobs[KNOB_EACH] = depthwise_choose_columns(builder, each);
  knobs[KNOB_COLUMNS] = tile.columns;
  knobs[KNOB_BLOCKS] = tile.blocks;
  knobs[KNOB_PANEL] =
      tile_divisor(blocks / tile.blocks, machine->l2_bytes / 4 / tile_bytes);
}

/* ---- Schedule ------------------------------------------------------------ */
static enum adze_status fused_apply(struct builder *builder,
                                    struct schedule *schedule,
                                    const int64_t *knobs) {
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *rows, *row, *k, *k_inner,
      *panel, *x, *column;
  const struct node *narrow = pointwise_of(builder->group);
  const struct buffer *kept = builder_buffer(builder, narrow->inputs[0]);
  size_t at = common_stage_of(builder, kept);
  const struct stage *middle = builder->stages.data[at];
  const struct stage *anchor = builder->stages.data[at + 1];
  TRY(common_inline_others(builder, schedule, &kept, 1));
  TRY(common_writer(schedule, anchor, last, &write));
  check(schedule_loops_around(schedule, write, loops, LOOP_MAX_RANK) == 5);
  TRY(schedule_split(schedule, loops[2], knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_COLUMNS], &x, &column));
  TRY(schedule_partition(schedule, x));
  TRY(schedule_split(schedule, k, knobs[KNOB_PANEL], &panel, &k));
  struct statement *order[] = {loops[0], rows,   panel,   row,     x,
                               k,        column, k_inner, loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  struct reduce_plan plan = {
      .factor = 4, .lanes = builder->block, .inner_axis = 1};
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), k, &plan));
  TRY(schedule_unroll(schedule, column));
  TRY(schedule_unroll(schedule, k_inner));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(depthwise_rows_at(builder, schedule, middle, rows, knobs[KNOB_EACH]));
  TRY(common_prefetch_next(builder, schedule, narrow->inputs[1], anchor,
                           panel));
  return common_parallel(schedule, order, 2);
}

const struct template template_conv_depthwise_pointwise = {
    .name = "conv_depthwise_pointwise",
    .summary = "depthwise convolution and the 1x1 one after it in row tiles",
    .output_blocked = true,
    .match = fused_match,
    .demand = fused_demand,
    .express = fused_express,
    .knobs = fused_knobs,
    .space = fused_space,
    .choose = fused_choose,
    .apply = fused_apply,
};

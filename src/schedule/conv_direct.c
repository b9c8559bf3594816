/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution on channel blocks, any stride, dilation and groups.
 *
 *   B            channels in a block, one vector
 *   n k y x      batch, block of output channels, row, column;  lane: channel
 *   c kh kw ci   block of input channels, kernel row and column, channel in
 *                the block (a plain input has no ci: c is the channel); where
 *                channels don't fill blocks, parts of a block that they fill
 *
 *   out[n,k,y,x,lane] = sum(c,kh,kw,ci) in[n,c,y*s+kh*d-p,x*s+kw*d-p,ci]
 *                                       * packed[k,c,kh,kw,ci,lane]
 *
 * A register tile is MR columns of one row by NR blocks of output channels:
 * for each step of the reduction NR vectors of weights are loaded and MR
 * scalars of the input broadcast, for MR*NR multiply-adds. The input's halo
 * holds the padding, so no step has a condition. Weights of channels that do
 * not exist are zero, and lanes that don't exist are finite, so they add
 * nothing.
 *
 * Panels of output channels run outermost, so that their weights stay in the
 * L2 cache while the rows pass by.
 */
#include "schedule/direct.h"
#include "schedule/regroup.h"
#include "schedule/tile.h"
#include "schedule/window.h"

enum { KNOB_COLUMNS, KNOB_BLOCKS, KNOB_UNROLL, KNOB_PANEL };

static size_t direct_match(struct match_query *query, struct node *node,
                           struct node **nodes, size_t capacity) {
  struct window2d window;
  if (capacity < 1 || !window2d_of_conv(node, &window))
    return match_decline(query, "not a 2-d fp32 convolution with constant "
                                "weights");
  int64_t per_group = window.in_channels / window.groups;
  int64_t out_per_group = window.out_channels / window.groups;
  if (window.groups > 1 &&
      (per_group % query->block != 0 || out_per_group % query->block != 0))
    return match_decline(query, "groups do not fill channel blocks");
  nodes[0] = node;
  return 1;
}

static enum adze_status direct_express(struct builder *builder) {
  const struct node *node = builder->group->nodes.data[0];
  struct buffer *sums = window2d_sums(builder, node);
  direct_stage(builder, node, sums);
  window2d_finish(builder, node, sums);
  return ADZE_OK;
}

static int64_t direct_regroup(const struct builder *builder) {
  return direct_row_length(builder, builder->group->nodes.data[0]);
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const direct_knobs[] = {"columns", "blocks", "unroll",
                                           "panel", NULL};

static size_t direct_space(const struct builder *builder, size_t knob,
                           int64_t *values, size_t capacity) {
  if (knob == KNOB_PANEL)
    return tile_divisors(
        ceil_div(value_dim(builder->group->nodes.data[0]->outputs[0], 1),
                 builder->block),
        values, capacity);
  size_t count = tile_space(builder,
                            knob == KNOB_COLUMNS  ? TILE_COLUMNS
                            : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                                  : TILE_UNROLL,
                            values, capacity);
  return knob != KNOB_UNROLL
             ? count
             : direct_limit_unroll(builder, builder->group->nodes.data[0],
                                   values, count);
}

/* Register tiles side by side in the output channels that take the same place
 * before the next place is looked at: as many as have their weights in half of
 * the L2 cache, so that the place's inputs are fetched once for all of them and
 * then come from the L1 cache. They are one worker's, so there must be enough
 * panels of them for all cores to have like shares. */
static int64_t panel_choose(const struct builder *builder, int64_t blocks) {
  const struct node *node = builder->group->nodes.data[0];
  const struct machine *machine = builder->machine;
  struct window2d window;
  window2d_of_conv(node, &window);
  int64_t tiles = ceil_div(window.out_channels, builder->block) / blocks;
  int64_t bytes = window.in_channels / window.groups * window.kernel[0] *
                  window.kernel[1] * blocks * builder->block * 4;
  int64_t rows = regroup_height(builder) < 1 ? 64 : regroup_height(builder);
  if (window.groups > 1)
    return 1; /* other tiles read other channels */
  return tile_panel(machine, tiles,
                    tile_panel_bytes(machine, bytes * tiles) / bytes, rows);
}

static void direct_choose(const struct builder *builder, int64_t *knobs) {
  struct tile tile =
      direct_tile(builder, builder->group->nodes.data[0], TILE_MOST_BLOCKS);
  knobs[KNOB_COLUMNS] = tile.columns;
  knobs[KNOB_BLOCKS] = tile.blocks;
  knobs[KNOB_UNROLL] = 4;
  knobs[KNOB_PANEL] = panel_choose(builder, knobs[KNOB_BLOCKS]);
}

/* ---- Schedule ------------------------------------------------------------ */
/* A tile of a 1x1 convolution reads a short piece of every plane of the input,
 * which no cache foresees; so it asks for the next tile's pieces while it
 * computes, where the input does not stay in the L2 cache. With a stride, half
 * of what would be fetched is never read. */
static enum adze_status prefetch_input(struct builder *builder,
                                       struct schedule *schedule,
                                       int64_t columns) {
  const struct node *node = builder->group->nodes.data[0];
  struct value *x = node->inputs[0];
  struct window2d window;
  window2d_of_conv(node, &window);
  int64_t bytes = 4 * window.in_channels / window.groups;
  for (int axis = 0; axis < 2; axis++) {
    int64_t extent = value_dim(x, 2 + (size_t)axis);
    bytes *= extent < 1 ? 64 : extent;
    if (window.kernel[axis] != 1 || window.stride[axis] != 1)
      return ADZE_OK;
  }
  if (!builder->placements[x->id].block ||
      bytes <= builder->machine->l2_bytes / 2)
    return ADZE_OK;
  return schedule_prefetch(schedule, builder_buffer(builder, x),
                           columns * builder->block);
}

static enum adze_status direct_apply(struct builder *builder,
                                     struct schedule *schedule,
                                     const int64_t *knobs) {
  const struct stage *anchor = builder->stages.data[0];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *panel, *k,
      *k_inner = NULL, *x, *x_inner = NULL;
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_COLUMNS], &x, &x_inner));
  TRY(schedule_partition(schedule, x));
  TRY(schedule_split(schedule, k, knobs[KNOB_PANEL], &panel, &k));
  struct statement *order[] = {loops[0], panel,   loops[2], x,
                               k,        x_inner, k_inner,  loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  struct reduce_plan plan = direct_plan(builder, anchor, knobs[KNOB_UNROLL]);
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), k, &plan));
  TRY(schedule_unroll(schedule, x_inner));
  TRY(schedule_unroll(schedule, k_inner));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(prefetch_input(builder, schedule, knobs[KNOB_COLUMNS]));
  TRY(common_prefetch_next(builder, schedule,
                           builder->group->nodes.data[0]->inputs[1], anchor,
                           panel));
  struct statement *outer[] = {loops[0], panel, loops[2]};
  return common_parallel(schedule, outer, ARRAY_COUNT(outer));
}

const struct template template_conv_direct = {
    .name = "conv_direct",
    .summary = "convolution on channel blocks in register tiles",
    .output_blocked = true,
    .match = direct_match,
    .demand = direct_demand,
    .express = direct_express,
    .regroup = direct_regroup,
    .knobs = direct_knobs,
    .space = direct_space,
    .choose = direct_choose,
    .apply = direct_apply,
};

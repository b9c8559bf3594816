/* SPDX-License-Identifier: Apache-2.0 */
/* A 1x1 convolution and the depthwise one after it in one kernel: what lies
 * between them is made for some rows of one block of channels at a time, in
 * scratch memory that stays in the cache.
 *
 *   wide[n,k,y,x,lane]   the 1x1 convolution, also on the depthwise one's
 *                        padding (y, x count from the padding's corner)
 *   padded[n,k,y,x,lane] = inside the image ? between(wide) : 0
 *   out[n,k,y,x,lane]    = sum(kh,kw) padded[n,k,y*s+kh*d,x*s+kw*d,lane]
 *                          * packed[k,kh,kw,lane]
 *
 * `between` are the elementwise nodes from one convolution to the other. Rows
 * that two row tiles share are computed twice; that is the price, and the rows
 * in a tile are as many as the cache holds.
 */
#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/depthwise.h"
#include "schedule/pointwise.h"
#include "schedule/tile.h"
#include "schedule/window.h"

enum { KNOB_ROWS, KNOB_WIDE, KNOB_COLUMNS };

static const struct node *depthwise_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

/* ---- Match --------------------------------------------------------------- */
static int64_t bytes_between(const struct match_query *query,
                             const struct value *value) {
  int64_t height = value_dim(value, 2), width = value_dim(value, 3);
  if (height < 1 || width < 1)
    return 0;
  return ceil_div(value_dim(value, 1), query->block) * query->block * height *
         width * 4;
}

/* Fusing saves writing and reading what lies between; it costs the rows that
 * are computed twice, the padding, which is computed too, and register tiles of
 * one block of channels, which load more per multiply-add. */
static bool is_cheaper(const struct match_query *query,
                       const struct window2d *wide,
                       const struct window2d *depthwise,
                       const struct value *between) {
  const struct machine *machine = query->machine;
  double bytes = (double)bytes_between(query, between);
  if (bytes == 0)
    return true; /* open: the size of an image, which is large */
  double bandwidth = bytes > (double)machine->l2_bytes
                         ? machine->l3_bytes_per_cycle
                         : machine->l2_bytes_per_cycle;
  int64_t blocks = ceil_div(value_dim(between, 1), query->block);
  int64_t height = value_dim(between, 2), width = value_dim(between, 3);
  int64_t padded_width = width + depthwise->before[1] + depthwise->after[1];
  int64_t rows = rows_in_tile(machine, depthwise, query->block, height, width);
  int64_t reach = (depthwise->kernel[0] - 1) * depthwise->dilation[0];
  int64_t tiles = ceil_div(height, rows * depthwise->stride[0]);
  double computed_rows =
      (double)(tiles * (rows - 1) * depthwise->stride[0] + tiles * (reach + 1));
  double steps = (double)wide->in_channels;
  double fused = steps * computed_rows *
                 tile_choose(machine, padded_width, blocks, 1).row_cycles;
  double apart =
      steps * (double)height *
      tile_choose(machine, width, blocks, TILE_MOST_BLOCKS).row_cycles;
  return fused < apart + 2 * bytes / bandwidth;
}

static size_t fused_match(struct match_query *query, struct node *node,
                          struct node **nodes, size_t capacity) {
  struct window2d wide, depthwise;
  size_t count = 0;
  if (!window2d_of_conv(node, &wide) || !window2d_is_pointwise(&wide) ||
      wide.in_channels < query->block / 2)
    return match_decline(query, "not a 1x1 convolution");
  nodes[count++] = node;
  struct node *next = pointwise_chain(query->users, nodes, capacity, &count);
  const struct node *last = nodes[count - 1];
  if (!next || count + 1 > capacity || !window2d_of_conv(next, &depthwise) ||
      !window2d_is_depthwise(&depthwise) || next->inputs[0] != last->outputs[0])
    return match_decline(query, "no depthwise convolution follows");
  if (value_dim(last->outputs[0], 3) + depthwise.before[1] +
          depthwise.after[1] ==
      1)
    return match_decline(query, "one column, which register tiles have no loop "
                                "over");
  if (!is_cheaper(query, &wide, &depthwise, last->outputs[0]))
    return match_decline(query, "computing rows twice costs more than "
                                "keeping them");
  nodes[count++] = next;
  return count;
}

static void fused_demand(const struct match_query *query,
                         const struct group *group, const struct node *node,
                         size_t input, struct demand *out) {
  (void)query;
  depthwise_fused_demand(group, depthwise_of(group), node, input, out);
}

/* ---- Stages -------------------------------------------------------------- */
/* `between` over an element of `wide`: the elementwise stages, inlined into
 * one expression of the padded stage's axes. */
struct inlining {
  struct builder *builder;
  size_t first;                /* of builder->stages: the elementwise ones */
  const struct buffer *narrow; /* the 1x1 convolution as the graph has it */
  struct buffer *wide;
  const struct expr *const *axes; /* of the padded stage */
};

static const struct expr *inline_load(void *context, const struct expr *node) {
  struct inlining *inlining = context;
  struct expr_pool *pool = inlining->builder->pool;
  if (node->kind != EXPR_LOAD)
    return node;
  if (node->buffer == inlining->narrow)
    return window2d_add_bias(inlining->builder,
                             inlining->builder->group->nodes.data[0],
                             expr_load(pool, inlining->wide, inlining->axes, 5),
                             inlining->axes[1], inlining->axes[4]);
  for (size_t i = inlining->first; i < inlining->builder->stages.count; i++) {
    const struct stage *stage = inlining->builder->stages.data[i];
    if (stage->output != node->buffer)
      continue;
    struct substitution values[5];
    for (size_t a = 0; a < 5; a++)
      values[a] = (struct substitution){stage->axes[a], node->args[a]};
    return expr_map(pool, expr_substitute(pool, stage->body, values, 5),
                    inline_load, inlining);
  }
  return node;
}

/* The elementwise nodes' stages, over the image; then taken out again. */
static enum adze_status between_nodes(struct builder *builder,
                                      struct inlining *inlining,
                                      const struct expr *const *image,
                                      const struct expr **out) {
  const struct group *group = builder->group;
  size_t count = group->anchor_count;
  const struct value *last = group->nodes.data[count - 2]->outputs[0];
  inlining->first = builder->stages.count;
  inlining->narrow = builder_buffer(builder, group->nodes.data[0]->outputs[0]);
  for (size_t i = 1; i + 1 < count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  const struct expr *load =
      expr_load(builder->pool, builder_buffer(builder, last), image, 5);
  *out = inline_load(inlining, load);
  builder->stages.count = inlining->first;
  return ADZE_OK;
}

/* A local buffer of the image with the depthwise one's padding around it. */
static struct buffer *padded_buffer(struct builder *builder, const char *name,
                                    const struct value *image,
                                    const struct window2d *window) {
  struct expr_pool *pool = builder->pool;
  const struct expr *shape[LOOP_MAX_RANK];
  placement_shape(pool, image, &builder->placements[image->id], shape);
  for (int axis = 0; axis < 2; axis++)
    shape[2 + axis] = simplify(
        pool,
        expr_add(pool, shape[2 + axis],
                 expr_index(pool, window->before[axis] + window->after[axis])));
  return buffer_new(pool, builder_name(builder, name), image->dtype,
                    BUFFER_STACK, shape, 5);
}

static enum adze_status add_padded(struct builder *builder, struct buffer *wide,
                                   const struct window2d *window,
                                   const struct value *image,
                                   struct buffer **out) {
  struct expr_pool *pool = builder->pool;
  struct buffer *padded = padded_buffer(builder, "padded", image, window);
  struct stage *stage = builder_stage(builder, padded);
  const struct expr *axes[5], *position[5], *inside = expr_bool(pool, true);
  for (size_t i = 0; i < 5; i++)
    position[i] = axes[i] = expr_variable(pool, stage->axes[i]);
  for (int axis = 0; axis < 2; axis++) {
    size_t d = 2 + (size_t)axis;
    position[d] =
        expr_sub(pool, axes[d], expr_index(pool, window->before[axis]));
    if (window->before[axis])
      inside =
          expr_and(pool, inside,
                   expr_less_equal(pool, expr_index(pool, 0), position[d]));
    if (window->after[axis])
      inside =
          expr_and(pool, inside, expr_less(pool, position[d], image->dims[d]));
  }
  struct inlining inlining = {.builder = builder, .wide = wide, .axes = axes};
  const struct expr *between;
  TRY(between_nodes(builder, &inlining, position, &between));
  stage->body =
      expr_select(pool, inside, between, expr_constant(pool, padded->dtype, 0));
  vec_push(builder->arena, &builder->stages, stage);
  *out = padded;
  return ADZE_OK;
}

static enum adze_status fused_express(struct builder *builder) {
  const struct group *group = builder->group;
  const struct node *node = depthwise_of(group);
  const struct value *image = node->inputs[0];
  struct window2d window;
  window2d_of_conv(node, &window);
  struct buffer *wide = padded_buffer(builder, "wide", image, &window), *padded;
  pointwise_stage(builder, group->nodes.data[0], wide, window.before);
  TRY(add_padded(builder, wide, &window, image, &padded));
  /* Positions in the padded buffer count from its corner. */
  window.before[0] = window.before[1] = 0;
  depthwise_stage(builder, node, padded, &window);
  return ADZE_OK;
}

/* ---- Knobs and schedule -------------------------------------------------- */
static const char *const fused_knobs[] = {"rows", "wide", "columns", NULL};

static size_t fused_space(const struct builder *builder, size_t knob,
                          int64_t *values, size_t capacity) {
  size_t count = 0;
  if (knob == KNOB_COLUMNS)
    return depthwise_space_columns(builder, depthwise_of(builder->group),
                                   values, capacity);
  if (knob == KNOB_WIDE)
    return tile_space(builder, TILE_COLUMNS, values, capacity);
  for (int64_t rows = 1; rows <= 64 && count < capacity; rows++)
    values[count++] = rows;
  return count;
}

static void fused_choose(const struct builder *builder, int64_t *knobs) {
  const struct node *node = depthwise_of(builder->group);
  const struct value *image = node->inputs[0];
  struct window2d window;
  int64_t width = value_dim(image, 3);
  window2d_of_conv(node, &window);
  knobs[KNOB_WIDE] =
      tile_choose(builder->machine,
                  width < 1 ? -1 : width + window.before[1] + window.after[1],
                  1, 1)
          .columns;
  knobs[KNOB_COLUMNS] = depthwise_choose_columns(builder, node);
  knobs[KNOB_ROWS] = rows_in_tile(builder->machine, &window, builder->block,
                                  value_dim(image, 2), width);
}

static enum adze_status schedule_padded(struct builder *builder,
                                        struct schedule *schedule,
                                        struct statement *rows,
                                        const int64_t *knobs) {
  const struct stage *wide = builder->stages.data[0],
                     *padded = builder->stages.data[1];
  struct statement *block = schedule_block(schedule, padded->name, BLOCK_WHOLE);
  struct statement *loops[LOOP_MAX_RANK], *x, *column;
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, rows));
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  /* …, row, column, lane */
  TRY(schedule_split(schedule, loops[count - 2], knobs[KNOB_WIDE], &x,
                     &column));
  TRY(schedule_partition(schedule, x));
  struct statement *wide_block =
      schedule_block(schedule, wide->name, BLOCK_WHOLE);
  TRY(schedule_set_scope(schedule, wide_block, BUFFER_REGISTER));
  struct reduce_plan plan = {.factor = 4, .lanes = builder->block};
  TRY(common_reduce_at(schedule, wide_block, x, &plan));
  TRY(schedule_unroll(schedule, column));
  return schedule_vectorize(schedule, loops[count - 1]);
}

static enum adze_status fused_apply(struct builder *builder,
                                    struct schedule *schedule,
                                    const int64_t *knobs) {
  const struct stage *anchor = builder->stages.data[2];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *rows, *row, *x, *column;
  for (size_t i = 3; i + 1 < builder->stages.count; i++)
    TRY(schedule_compute_inline(
        schedule,
        schedule_block(schedule, builder->stages.data[i]->name, BLOCK_WHOLE)));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[2], knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_COLUMNS], &x, &column));
  TRY(schedule_partition(schedule, x));
  struct reduce_plan plan = depthwise_plan(builder, anchor);
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), x, &plan));
  TRY(schedule_unroll(schedule, column));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(schedule_padded(builder, schedule, rows, knobs));
  struct statement *outer[] = {loops[0], loops[1], rows};
  return common_parallel(schedule, outer, ARRAY_COUNT(outer));
}

const struct template template_conv_pointwise_depthwise = {
    .name = "conv_pointwise_depthwise",
    .summary = "1x1 convolution and the depthwise one after it in row tiles",
    .output_blocked = true,
    .match = fused_match,
    .demand = fused_demand,
    .express = fused_express,
    .knobs = fused_knobs,
    .space = fused_space,
    .choose = fused_choose,
    .apply = fused_apply,
};

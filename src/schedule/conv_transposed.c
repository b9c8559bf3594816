/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution on channel blocks, as sub-pixel convolutions.
 *
 * Along one axis, output position o gets x[i]*w[r] from every input position i
 * and kernel position r with i*s + r = o + before. So r = (o + before) mod s
 * + t*s for t = 0, 1, …, and i = (o + before) div s - t: each of the s phases
 * of the output is an ordinary convolution of stride 1 with ceil(R/s) taps,
 * its weights every s-th of the kernel's.
 *
 *   phases[n,k,yq,py,xq,px,lane] = sum(c,th,tw,ci)
 *       in[n, c, yq + (py+before) div s - th, xq + (px+before) div s - tw, ci]
 *     * packed[(py+before) mod s, (px+before) mod s, k, c, th, tw, ci, lane]
 *   out[n,k,y,x,lane] = bias + phases[n,k,y div s,y mod s,x div s,x mod s,lane]
 *
 * A depthwise one reads its own channel alone: in[n, k, …, lane], and packed
 * has one c and one ci.
 */
#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/tile.h"
#include "schedule/window.h"

enum { KNOB_COLUMNS, KNOB_BLOCKS, KNOB_UNROLL, KNOB_PHASES };

static bool is_depthwise(const struct window2d *window) {
  return window->groups > 1 && window->groups == window->in_channels &&
         window->groups == window->out_channels;
}

static size_t transposed_match(struct match_query *query, struct node *node,
                               struct node **nodes, size_t capacity) {
  struct window2d window;
  if (capacity < 1 || !window2d_of_conv_transpose(node, &window))
    return match_decline(query, "not a 2-d fp32 transposed convolution with "
                                "constant weights");
  if ((window.groups != 1 && !is_depthwise(&window)) ||
      window.dilation[0] != 1 || window.dilation[1] != 1)
    return match_decline(query, "groups or dilation");
  nodes[0] = node;
  return 1;
}

static int64_t taps(const struct window2d *window, int axis) {
  return ceil_div(window->kernel[axis], window->stride[axis]);
}

static void transposed_demand(const struct match_query *query,
                              const struct group *group,
                              const struct node *node, size_t input,
                              struct demand *out) {
  (void)query, (void)group;
  struct window2d window;
  if (input != 0 || !window2d_of_conv_transpose(node, &window)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  for (int axis = 0; axis < 2; axis++) {
    /* The first position is before div s - (taps - 1). The output's extent is
     * (in - 1)*s + rest; all phases of the last div are computed, so the last
     * position is in - 1 + ceil(rest/s) - 1 + (s - 1 + before) div s. */
    int64_t stride = window.stride[axis];
    int64_t rest = window.kernel[axis] + window.extra[axis] -
                   window.before[axis] - window.after[axis];
    int64_t low = taps(&window, axis) - 1 - window.before[axis] / stride;
    int64_t high = ceil_div(rest, stride) - 1 +
                   floor_div(stride - 1 + window.before[axis], stride);
    out->before[2 + axis] = low > 0 ? low : 0;
    out->after[2 + axis] = high > 0 ? high : 0;
  }
}

/* ---- Stages -------------------------------------------------------------- */
struct packing {
  struct window2d window;
  int64_t block;
};

static const struct expr *below(struct expr_pool *pool, const struct expr *e,
                                int64_t limit) {
  return expr_less(pool, e, expr_index(pool, limit));
}

/* packed[py, px, k, c, th, tw, ci, lane]; weights are [C, K, R, S]. */
static const struct expr *pack_phases(void *context, struct expr_pool *pool,
                                      struct buffer *source,
                                      const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct window2d *window = &packing->window;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[2], block), axes[7]);
  const struct expr *c =
      expr_add(pool, expr_mul(pool, axes[3], block), axes[6]);
  const struct expr *exists =
      expr_and(pool, below(pool, k, window->out_channels),
               below(pool, c, window->in_channels));
  if (is_depthwise(window)) {
    exists = below(pool, k, window->out_channels);
    c = k;
    k = expr_index(pool, 0);
  }
  return expr_select(
      pool, exists,
      window2d_phase_weight(pool, window, source, c, k, &axes[0], &axes[4]),
      expr_constant(pool, source->dtype, 0));
}

/* out[n,k,y,x,lane] from the phases. */
static void gather_phases(struct builder *builder, const struct node *node,
                          const struct stage *phases, struct buffer *output,
                          const struct expr *const *strides) {
  struct expr_pool *pool = builder->pool;
  struct stage *stage = builder_stage(builder, output);
  const struct expr *axes[5];
  for (size_t i = 0; i < 5; i++)
    axes[i] = expr_variable(pool, stage->axes[i]);
  const struct expr *at[7] = {axes[0],
                              axes[1],
                              expr_floor_div(pool, axes[2], strides[0]),
                              expr_floor_mod(pool, axes[2], strides[0]),
                              expr_floor_div(pool, axes[3], strides[1]),
                              expr_floor_mod(pool, axes[3], strides[1]),
                              axes[4]};
  stage->body = window2d_add_bias(
      builder, node, expr_load(pool, phases->output, at, 7), axes[1], axes[4]);
  vec_push(builder->arena, &builder->stages, stage);
}

static enum adze_status transposed_express(struct builder *builder) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  struct packing packing = {.block = builder->block};
  window2d_of_conv_transpose(node, &packing.window);
  const struct window2d *window = &packing.window;
  const struct expr *shape[8] = {
      expr_index(pool, window->stride[0]),
      expr_index(pool, window->stride[1]),
      expr_index(pool, ceil_div(window->out_channels, builder->block)),
      expr_index(pool, ceil_div(window->in_channels, builder->block)),
      expr_index(pool, taps(window, 0)),
      expr_index(pool, taps(window, 1)),
      expr_index(pool, builder->block),
      expr_index(pool, builder->block)};
  if (is_depthwise(window))
    shape[3] = shape[6] = expr_index(pool, 1);
  struct buffer *in = builder_buffer(builder, node->inputs[0]);
  struct buffer *weights = builder_pack(builder, node->inputs[1], "phases",
                                        shape, 8, pack_phases, &packing);
  const struct value *out = node->outputs[0];
  struct buffer *output = builder_buffer(builder, out);
  const struct expr *phased[7] = {output->shape[0], output->shape[1]};
  for (size_t axis = 0; axis < 2; axis++) {
    phased[2 + 2 * axis] = simplify(
        pool, expr_ceil_div(pool, output->shape[2 + axis], shape[axis]));
    phased[3 + 2 * axis] = shape[axis];
  }
  phased[6] = shape[7];
  struct stage *stage =
      builder_stage(builder, buffer_new(pool, builder_name(builder, "phases"),
                                        out->dtype, BUFFER_STACK, phased, 7));
  const struct expr *axes[7], *phase[2], *start[2];
  for (size_t i = 0; i < 7; i++)
    axes[i] = expr_variable(pool, stage->axes[i]);
  const struct expr *c = builder_reduction(builder, stage, "c", shape[3]);
  const struct expr *th = builder_reduction(builder, stage, "th", shape[4]);
  const struct expr *tw = builder_reduction(builder, stage, "tw", shape[5]);
  const struct expr *ci = builder_reduction(builder, stage, "ci", shape[6]);
  for (size_t axis = 0; axis < 2; axis++) {
    const struct expr *shifted = expr_add(
        pool, axes[3 + 2 * axis], expr_index(pool, window->before[axis]));
    phase[axis] = expr_floor_mod(pool, shifted, shape[axis]);
    start[axis] = expr_add(pool, axes[2 + 2 * axis],
                           expr_floor_div(pool, shifted, shape[axis]));
  }
  const struct expr *at[5] = {axes[0], c, expr_sub(pool, start[0], th),
                              expr_sub(pool, start[1], tw), ci};
  if (is_depthwise(window)) {
    at[1] = axes[1];
    at[4] = axes[6];
  }
  const struct expr *w[8] = {phase[0], phase[1], axes[1], c,
                             th,       tw,       ci,      axes[6]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, out->dtype, 0);
  stage->body = expr_mul(pool, expr_load(pool, in, at, 5),
                         expr_load(pool, weights, w, 8));
  vec_push(builder->arena, &builder->stages, stage);
  gather_phases(builder, node, stage, output, shape);
  return ADZE_OK;
}

/* ---- Knobs and schedule -------------------------------------------------- */
/* "phases": whether all rows of one phase run before the next phase. */
static const char *const transposed_knobs[] = {"columns", "blocks", "unroll",
                                               "phases", NULL};

static int64_t phase_width(const struct builder *builder) {
  const struct node *node = builder->group->nodes.data[0];
  struct window2d window;
  window2d_of_conv_transpose(node, &window);
  int64_t width = value_dim(node->outputs[0], 3);
  return width < 1 ? -1 : ceil_div(width, window.stride[1]);
}

static size_t transposed_space(const struct builder *builder, size_t knob,
                               int64_t *values, size_t capacity) {
  if (knob == KNOB_PHASES) {
    check(capacity >= 2);
    values[0] = 0;
    values[1] = 1;
    return 2;
  }
  return tile_space(builder,
                    knob == KNOB_COLUMNS  ? TILE_COLUMNS
                    : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                          : TILE_UNROLL,
                    values, capacity);
}

static void transposed_choose(const struct builder *builder, int64_t *knobs) {
  const struct value *out = builder->group->nodes.data[0]->outputs[0];
  struct window2d window;
  window2d_of_conv_transpose(builder->group->nodes.data[0], &window);
  double steps = (double)(taps(&window, 0) * taps(&window, 1)) *
                 (is_depthwise(&window) ? 1 : (double)window.in_channels);
  double block_bytes = steps * (double)builder->block * 4;
  int64_t most_blocks = tile_resident_blocks(builder->machine, block_bytes);
  int64_t blocks = ceil_div(value_dim(out, 1), builder->block);
  struct tile tile =
      tile_choose(builder->machine, phase_width(builder), blocks, most_blocks);
  int64_t phases = window.stride[0] * window.stride[1];
  int64_t shares = blocks / tile.blocks * phases;
  knobs[KNOB_COLUMNS] = tile.columns;
  knobs[KNOB_BLOCKS] = tile.blocks;
  knobs[KNOB_UNROLL] = 4;
  /* Where the weights of all phases don't stay in the L2 cache together. */
  knobs[KNOB_PHASES] = block_bytes * (double)(tile.blocks * phases) >
                           (double)builder->machine->l2_bytes / 2 &&
                       shares >= 2 * builder->machine->cores;
}

static enum adze_status transposed_apply(struct builder *builder,
                                         struct schedule *schedule,
                                         const int64_t *knobs) {
  const struct stage *anchor = builder->stages.data[0];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct window2d window;
  window2d_of_conv_transpose(builder->group->nodes.data[0], &window);
  struct statement *write, *loops[LOOP_MAX_RANK], *k, *lane_block, *y, *py, *x,
      *px, *column;
  TRY(common_inline_elementwise(builder, schedule));
  write = schedule_block(schedule, last->name, BLOCK_WHOLE);
  TRY(schedule_set_scope(schedule,
                         schedule_block(schedule, anchor->name, BLOCK_WHOLE),
                         BUFFER_REGISTER));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &lane_block));
  TRY(schedule_split(schedule, loops[2], window.stride[0], &y, &py));
  TRY(schedule_split(schedule, loops[3], window.stride[1], &x, &px));
  TRY(schedule_split(schedule, x, knobs[KNOB_COLUMNS], &x, &column));
  TRY(schedule_partition(schedule, x));
  struct statement *order[] = {loops[0], k,      y,          py,      px,
                               x,        column, lane_block, loops[4]};
  if (knobs[KNOB_PHASES]) {
    order[1] = py;
    order[2] = px;
    order[3] = k;
    order[4] = y;
  }
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  struct reduce_plan plan = {
      .factor = knobs[KNOB_UNROLL], .lanes = builder->block, .inner_axis = 1};
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), x, &plan));
  TRY(schedule_unroll(schedule, column));
  TRY(schedule_unroll(schedule, lane_block));
  TRY(schedule_vectorize(schedule, loops[4]));
  const struct value *weights = builder->group->nodes.data[0]->inputs[1];
  TRY(knobs[KNOB_PHASES]
          ? common_prefetch_next(builder, schedule, weights, anchor, k)
          : common_prefetch_stream(builder, schedule, weights));
  return common_parallel(schedule, order, 4);
}

const struct template template_conv_transposed = {
    .name = "conv_transposed",
    .summary = "transposed convolution as sub-pixel convolutions",
    .output_blocked = true,
    .match = transposed_match,
    .demand = transposed_demand,
    .express = transposed_express,
    .knobs = transposed_knobs,
    .space = transposed_space,
    .choose = transposed_choose,
    .apply = transposed_apply,
};

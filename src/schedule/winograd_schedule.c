/* SPDX-License-Identifier: Apache-2.0 */
/* Knobs and schedules of Winograd's algorithm: by rows, or by steps. */
#include "schedule/common.h"
#include "schedule/tile.h"
#include "schedule/winograd.h"

enum { KNOB_ROWS, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_PANEL, KNOB_UNROLL };

/* ---- Knobs --------------------------------------------------------------- */
const char *const winograd_knobs[] = {"rows",  "columns", "blocks",
                                      "panel", "unroll",  NULL};

size_t winograd_space(const struct builder *builder, size_t knob,
                      int64_t *values, size_t capacity) {
  if (knob != KNOB_ROWS && knob != KNOB_PANEL)
    return tile_space(builder,
                      knob == KNOB_COLUMNS  ? TILE_COLUMNS
                      : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                            : TILE_UNROLL,
                      values, capacity);
  struct winograd_plan plan = winograd_plan_of(builder);
  if (knob == KNOB_PANEL)
    return tile_divisors(plan.product_blocks, values, capacity);
  if (plan.rows > 0)
    return tile_divisors(plan.tiles[0], values, capacity);
  values[0] = 0;
  return 1;
}

/* Channels that share the transformed tiles which they fetch: those whose
 * weights, for one point, stay in half of the L2 cache; 1 where all tiles stay
 * in the L1 cache, so that weights should be what is fetched once. */
static int64_t panel_choose(const struct builder *builder,
                            const struct winograd_plan *plan, int64_t blocks,
                            int64_t positions) {
  const struct machine *machine = builder->machine;
  int64_t tiles = plan->product_blocks / blocks;
  int64_t point_bytes = plan->in_blocks * plan->block * 4;
  if (positions * point_bytes <= machine->l1_bytes / 2)
    return 1;
  return tile_divisor(
      tiles, tile_panel_bytes(machine, point_bytes * plan->product_blocks *
                                           plan->block) /
                 (point_bytes * blocks * plan->block));
}

void winograd_choose(const struct builder *builder, int64_t *knobs) {
  struct winograd_plan plan = winograd_plan_of(builder);
  int64_t together =
      plan.tiles[1] * (plan.rows ? plan.rows : plan.tiles[0] * plan.batch);
  knobs[KNOB_ROWS] = plan.rows;
  knobs[KNOB_COLUMNS] = plan.tile.columns;
  knobs[KNOB_BLOCKS] = plan.tile.blocks;
  knobs[KNOB_PANEL] =
      plan.rows ? 1 : panel_choose(builder, &plan, plan.tile.blocks, together);
  knobs[KNOB_UNROLL] = 4;
}

/* ---- Schedule ------------------------------------------------------------ */
static struct statement *block_of(struct schedule *schedule,
                                  const struct stage *stage) {
  return schedule_block(schedule, stage->name, BLOCK_WHOLE);
}

static const struct stage *stage_of(const struct builder *builder,
                                    const struct winograd_plan *plan,
                                    enum winograd_stage stage) {
  return builder->stages.data[winograd_stage_index(plan, stage)];
}

static enum adze_status unroll_all(struct schedule *schedule,
                                   struct statement **loops, size_t count) {
  for (size_t i = 0; i < count; i++)
    TRY(schedule_unroll(schedule, loops[i]));
  return ADZE_OK;
}

static size_t loops_of(struct schedule *schedule, struct statement *block,
                       struct statement **loops) {
  return schedule_loops_around(schedule, block, loops, LOOP_MAX_RANK);
}

/* A transform's first half, in registers, in the innermost loop around its
 * second half: the second index outside, so that the rows of the matrix share
 * what they load and compute. Indices of extent 1 have no loop. */
static enum adze_status schedule_half(struct schedule *schedule,
                                      const struct stage *half,
                                      struct statement *at) {
  struct statement *loops[LOOP_MAX_RANK], *block = block_of(schedule, half);
  TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
  TRY(schedule_compute_at(schedule, block, at));
  size_t count = loops_of(schedule, block, loops);
  size_t first = common_behind(loops, at);
  struct statement *lane = loops[count - 1];
  TRY(unroll_all(schedule, &loops[first], count - 1 - first));
  if (count - 1 - first == 2) {
    struct statement *swapped[] = {loops[count - 2], loops[count - 3]};
    TRY(schedule_reorder(schedule, swapped, 2));
  }
  return schedule_vectorize(schedule, lane);
}

/* Rows of phases, by all workers. */
static enum adze_status schedule_phases(struct builder *builder,
                                        struct schedule *schedule,
                                        const struct winograd_plan *plan) {
  struct statement *loops[LOOP_MAX_RANK];
  struct statement *block =
      block_of(schedule, stage_of(builder, plan, WINOGRAD_PHASES));
  check(schedule_loops_around(schedule, block, loops, LOOP_MAX_RANK) == 5);
  struct statement *order[] = {loops[0], loops[2], loops[3], loops[1],
                               loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(unroll_all(schedule, &order[3], 2));
  return common_parallel(schedule, order, 2);
}

/* The input's transform; loops from `first` on are u, v, p, c (behind another
 * loop, those of extent 1 are absent) and the lane. `outermost` gets the first
 * of them. */
static enum adze_status schedule_input(struct builder *builder,
                                       struct schedule *schedule,
                                       const struct winograd_plan *plan,
                                       struct statement **loops, size_t first,
                                       size_t count, struct statement *around,
                                       struct statement **outermost) {
  struct statement *order[LOOP_MAX_RANK];
  size_t points = first == 0 ? 2
                             : (size_t)(plan->transform[0].reach > 1) +
                                   (size_t)(plan->transform[1].reach > 1);
  size_t middle = count - first - points - 1, n = 0;
  for (size_t i = 0; i < middle; i++)
    order[n++] = loops[first + points + i];
  for (size_t i = 0; i < points; i++)
    order[n++] = loops[first + i];
  order[n++] = loops[count - 1];
  TRY(schedule_reorder(schedule, order, n));
  *outermost = order[0];
  /* With a stride, most points use few inputs: row by row, less is alive. */
  struct statement *at = plan->transform[0].stride > 1 ? order[middle]
                         : middle > 0                  ? order[middle - 1]
                                                       : around;
  TRY(schedule_half(schedule, stage_of(builder, plan, WINOGRAD_ROWS), at));
  TRY(unroll_all(schedule, &order[middle], points));
  return schedule_vectorize(schedule, order[n - 1]);
}

struct product_loops {
  struct statement *u, *v, *panel, *position, *k, *column, *k_inner, *lane;
};

/* Register tiles of positions by channels, with their sums computed in them;
 * `k` and `k_inner` may be NULL: one block. */
static enum adze_status schedule_product_tile(struct builder *builder,
                                              struct schedule *schedule,
                                              struct statement *block,
                                              struct product_loops *l,
                                              const int64_t *knobs) {
  TRY(schedule_split(schedule, l->position, knobs[KNOB_COLUMNS], &l->position,
                     &l->column));
  TRY(schedule_partition(schedule, l->position));
  struct statement *order[LOOP_MAX_RANK],
      *all[] = {l->u, l->v,      l->panel,   l->position,
                l->k, l->column, l->k_inner, l->lane};
  size_t count = 0;
  for (size_t i = 0; i < ARRAY_COUNT(all); i++)
    if (all[i])
      order[count++] = all[i];
  TRY(schedule_reorder(schedule, order, count));
  struct reduce_plan plan = {
      .factor = knobs[KNOB_UNROLL], .lanes = builder->block, .inner_axis = 3};
  TRY(common_reduce_at(schedule, block, l->k ? l->k : l->position, &plan));
  TRY(schedule_unroll(schedule, l->column));
  if (l->k_inner)
    TRY(schedule_unroll(schedule, l->k_inner));
  return schedule_vectorize(schedule, l->lane);
}

/* While a tile's products are computed, the weights so many blocks further are
 * asked for, the next tile's. One of one block needs them slowly enough. */
static enum adze_status prefetch_tile(struct builder *builder,
                                      struct schedule *schedule,
                                      const struct winograd_plan *plan,
                                      int64_t tile_blocks, int64_t blocks) {
  const struct value *weights = builder->group->nodes.data[0]->inputs[1];
  int64_t ahead = blocks * plan->in_blocks * plan->block * plan->block;
  return tile_blocks == 1 && !builder->machine->asks_ahead
             ? ADZE_OK
             : schedule_prefetch(
                   schedule, builder_packed(builder, weights),
                   ahead < BUFFER_PREFETCH_MAX ? ahead : BUFFER_PREFETCH_MAX);
}

/* In steps, those of the next channels; on machines that don't bring a stream
 * in time, those a little ahead, and of the next panel, if other places use
 * this one's meanwhile. */
static enum adze_status prefetch_steps(struct builder *builder,
                                       struct schedule *schedule,
                                       const struct winograd_plan *plan,
                                       const struct product_loops *l,
                                       int64_t tile_blocks) {
  const struct value *weights = builder->group->nodes.data[0]->inputs[1];
  if (!builder->machine->asks_ahead)
    return prefetch_tile(builder, schedule, plan, tile_blocks, tile_blocks);
  if (expr_is_value(l->position->loop.extent, 1))
    return common_prefetch_stream(builder, schedule, weights);
  return common_prefetch_next(builder, schedule, weights,
                              stage_of(builder, plan, WINOGRAD_PRODUCT),
                              l->panel);
}

/* The output's transform below `k_inner`, around which the tile's i and j. */
static enum adze_status
schedule_output(struct builder *builder, struct schedule *schedule,
                const struct winograd_plan *plan, struct statement *k_inner,
                struct statement *i, struct statement *j,
                struct statement *lane) {
  TRY(schedule_half(schedule, stage_of(builder, plan, WINOGRAD_COLUMNS),
                    k_inner));
  TRY(schedule_unroll(schedule, i));
  TRY(schedule_unroll(schedule, j));
  return schedule_vectorize(schedule, lane);
}

static enum adze_status apply_rows(struct builder *builder,
                                   struct schedule *schedule,
                                   struct statement *last,
                                   const struct winograd_plan *plan,
                                   const int64_t *knobs) {
  const struct winograd_transform *t = plan->transform;
  struct statement *loops[LOOP_MAX_RANK], *k, *k_inner, *y, *i, *rows, *row, *x,
      *j, *block, *copy, *first;
  check(loops_of(schedule, last, loops) == 5);
  struct statement *lane = loops[4];
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[2], t[0].tile, &y, &i));
  TRY(schedule_split(schedule, y, knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], t[1].tile, &x, &j));
  TRY(schedule_partition(schedule, x));
  struct statement *outer[] = {loops[0], rows};
  struct statement *order[] = {loops[0], rows, k, row, x, k_inner, i, j, lane};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(schedule_output(builder, schedule, plan, k_inner, i, j, lane));
  block = block_of(schedule, stage_of(builder, plan, WINOGRAD_PRODUCT));
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  TRY(schedule_set_scope(schedule, copy, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, copy, k));
  size_t count = loops_of(schedule, copy, loops);
  struct product_loops l = {.lane = loops[count - 1]};
  bool has_blocks = knobs[KNOB_BLOCKS] > 1;
  if (has_blocks)
    l.k_inner = loops[count - 2];
  l.position = loops[count - (has_blocks ? 3 : 2)];
  TRY(schedule_product_tile(builder, schedule, block, &l, knobs));
  /* The same channels' of the next point. */
  TRY(prefetch_tile(builder, schedule, plan, knobs[KNOB_BLOCKS],
                    plan->product_blocks));
  TRY(common_prefetch_behind(builder, schedule,
                             builder->group->nodes.data[0]->inputs[1],
                             stage_of(builder, plan, WINOGRAD_PRODUCT)));
  block = block_of(schedule, stage_of(builder, plan, WINOGRAD_SPREAD));
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, rows));
  count = loops_of(schedule, block, loops);
  TRY(schedule_input(builder, schedule, plan, loops, common_behind(loops, rows),
                     count, rows, &first));
  return common_parallel(schedule, outer, ARRAY_COUNT(outer));
}

/* One axis of an image in steps: tiles, what is in one, phases (NULL: one). */
struct axis_loops {
  struct statement *tile, *inside, *phase;
};
static enum adze_status split_axis(struct schedule *schedule,
                                   const struct winograd_plan *plan, int axis,
                                   struct statement *loop,
                                   struct axis_loops *out) {
  int64_t tile = plan->transform[axis].tile, phases = plan->phases[axis];
  out->phase = NULL;
  if (plan->shift[axis] > 0)
    TRY(schedule_pad(schedule, loop, plan->shift[axis], &loop));
  TRY(schedule_split(schedule, loop, tile * phases, &out->tile, &out->inside));
  return phases == 1 ? ADZE_OK
                     : schedule_split(schedule, out->inside, phases,
                                      &out->inside, &out->phase);
}

static enum adze_status apply_output_step(struct builder *builder,
                                          struct schedule *schedule,
                                          struct statement *last,
                                          const struct winograd_plan *plan) {
  struct statement *loops[LOOP_MAX_RANK], *order[LOOP_MAX_RANK];
  struct axis_loops y, x;
  size_t count = 0, shared;
  check(loops_of(schedule, last, loops) == 5);
  TRY(split_axis(schedule, plan, 0, loops[2], &y));
  TRY(split_axis(schedule, plan, 1, loops[3], &x));
  TRY(schedule_partition(schedule, x.tile));
  struct statement *all[] = {loops[0], loops[1], y.tile,   y.phase, x.tile,
                             x.phase,  y.inside, x.inside, loops[4]};
  for (size_t i = 0; i < ARRAY_COUNT(all); i++)
    if (all[i])
      order[count++] = all[i];
  TRY(schedule_reorder(schedule, order, count));
  TRY(schedule_output(builder, schedule, plan, x.phase ? x.phase : x.tile,
                      y.inside, x.inside, loops[4]));
  shared = y.phase ? 4 : 3;
  return common_parallel(schedule, order, shared);
}

static enum adze_status apply_steps(struct builder *builder,
                                    struct schedule *schedule,
                                    struct statement *last,
                                    const struct winograd_plan *plan,
                                    const int64_t *knobs) {
  struct statement *loops[LOOP_MAX_RANK], *block, *copy, *first;
  block = block_of(schedule, stage_of(builder, plan, WINOGRAD_SPREAD));
  size_t count = loops_of(schedule, block, loops);
  TRY(schedule_input(builder, schedule, plan, loops, 0, count, NULL, &first));
  TRY(schedule_parallel(schedule, first));

  block = block_of(schedule, stage_of(builder, plan, WINOGRAD_PRODUCT));
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  check(loops_of(schedule, copy, loops) == 5);
  struct product_loops l = {
      .u = loops[0], .v = loops[1], .position = loops[2], .lane = loops[4]};
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_BLOCKS], &l.k, &l.k_inner));
  TRY(schedule_split(schedule, l.k, knobs[KNOB_PANEL], &l.panel, &l.k));
  TRY(schedule_product_tile(builder, schedule, block, &l, knobs));
  TRY(prefetch_steps(builder, schedule, plan, &l, knobs[KNOB_BLOCKS]));
  struct statement *products[] = {l.u, l.v, l.panel};
  TRY(common_parallel(schedule, products, ARRAY_COUNT(products)));
  return apply_output_step(builder, schedule, last, plan);
}

enum adze_status winograd_apply(struct builder *builder,
                                struct schedule *schedule,
                                const int64_t *knobs) {
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct winograd_plan plan = winograd_plan_of(builder);
  for (size_t s = winograd_stage_index(&plan, WINOGRAD_OUTPUT);
       s + 1 < builder->stages.count; s++)
    TRY(schedule_compute_inline(schedule,
                                block_of(schedule, builder->stages.data[s])));
  if (plan.gathers)
    TRY(schedule_phases(builder, schedule, &plan));
  struct statement *block = block_of(schedule, last);
  return knobs[KNOB_ROWS] ? apply_rows(builder, schedule, block, &plan, knobs)
                          : apply_steps(builder, schedule, block, &plan, knobs);
}

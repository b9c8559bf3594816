/* SPDX-License-Identifier: Apache-2.0 */
/* Knobs and schedule of convolution by gathered places. */
#include "schedule/common.h"
#include "schedule/im2col.h"

enum { KNOB_BLOCKS, KNOB_UNROLL, KNOB_PANEL };

/* ---- Knobs --------------------------------------------------------------- */
const char *const im2col_knobs[] = {"blocks", "unroll", "panel", NULL};

size_t im2col_space(const struct builder *builder, size_t knob, int64_t *values,
                    size_t capacity) {
  if (knob != KNOB_PANEL)
    return tile_space(builder, knob == KNOB_BLOCKS ? TILE_BLOCKS : TILE_UNROLL,
                      values, capacity);
  struct im2col_plan plan = im2col_plan_of(builder);
  size_t count = 0;
  for (int64_t v = 1; v <= plan.out_blocks && count < capacity; v++)
    if (plan.out_blocks % v == 0)
      values[count++] = v;
  return count;
}

/* Tiles whose parts stay in a quarter of the L2 cache until they are added; few
 * enough that all cores have like shares. */
static int64_t panel_choose(const struct builder *builder,
                            const struct im2col_plan *plan) {
  const struct machine *machine = builder->machine;
  int64_t tiles = plan->out_blocks / plan->tile.blocks;
  int64_t bytes = plan->in_blocks / plan->chunk * plan->places *
                  im2col_residues(plan) * plan->tile.blocks * builder->block *
                  4;
  int64_t panel = machine->l2_bytes / 4 / bytes;
  for (panel = panel < tiles ? panel : tiles; panel > 1; panel--) {
    int64_t shares = tiles / panel;
    if (tiles % panel == 0 &&
        ceil_div(shares, machine->cores) * machine->cores * 20 <= shares * 21)
      break;
  }
  return panel < 1 ? 1 : panel;
}

void im2col_choose(const struct builder *builder, int64_t *knobs) {
  struct im2col_plan plan = im2col_plan_of(builder);
  knobs[KNOB_BLOCKS] = plan.tile.blocks;
  knobs[KNOB_UNROLL] = 4;
  knobs[KNOB_PANEL] = panel_choose(builder, &plan);
}

/* ---- Schedule ------------------------------------------------------------ */
/* Where a tile's places are is computed once for all channels. */
static enum adze_status gather(struct builder *builder,
                               struct schedule *schedule) {
  struct statement *loops[LOOP_MAX_RANK];
  struct statement *block =
      schedule_block(schedule, builder->stages.data[0]->name, BLOCK_WHOLE);
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  TRY(schedule_unroll(schedule, loops[count - 2]));
  TRY(schedule_vectorize(schedule, loops[count - 1]));
  return common_parallel(schedule, loops, 2);
}

/* The parts of a panel's channels, one chunk after the other. */
static enum adze_status multiply(struct builder *builder,
                                 struct schedule *schedule,
                                 const struct im2col_plan *plan,
                                 struct statement *panel,
                                 const int64_t *knobs) {
  struct statement *loops[LOOP_MAX_RANK], *copy, *k, *k_inner = NULL, *p,
                                                     *p_inner;
  struct statement *block =
      schedule_block(schedule, builder->stages.data[1]->name, BLOCK_WHOLE);
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  TRY(schedule_set_scope(schedule, copy, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, copy, panel));
  size_t count =
      schedule_loops_around(schedule, copy, loops, ARRAY_COUNT(loops));
  struct statement *lane = loops[count - 1], *order[6];
  size_t ordered = 0, at = count - 2;
  TRY(schedule_split(schedule, loops[at], plan->tile.columns, &p, &p_inner));
  TRY(schedule_partition(schedule, p));
  /* One residue and one block in the panel have no loops. */
  if (im2col_residues(plan) > 1)
    order[ordered++] = loops[--at];
  if (knobs[KNOB_PANEL] * knobs[KNOB_BLOCKS] > 1) {
    TRY(schedule_split(schedule, loops[--at], knobs[KNOB_BLOCKS], &k,
                       &k_inner));
    order[ordered++] = k;
  }
  order[ordered++] = p;
  order[ordered++] = p_inner;
  if (k_inner)
    order[ordered++] = k_inner;
  order[ordered++] = lane;
  TRY(schedule_reorder(schedule, order, ordered));
  struct reduce_plan reduce = {
      .factor = knobs[KNOB_UNROLL], .lanes = builder->block, .inner_axis = 1};
  TRY(common_reduce_at(schedule, block, p, &reduce));
  TRY(schedule_unroll(schedule, p_inner));
  if (k_inner)
    TRY(schedule_unroll(schedule, k_inner));
  return schedule_vectorize(schedule, lane);
}

/* A row's or column's residues inside the loop over its places. */
static enum adze_status split_residues(struct schedule *schedule,
                                       const struct im2col_plan *plan, int axis,
                                       struct statement *loop,
                                       struct statement **order,
                                       size_t *count) {
  struct statement *inside;
  if (plan->residues[axis] > 1) {
    TRY(schedule_split(schedule, loop, plan->residues[axis], &loop, &inside));
    order[(*count)++] = loop;
    loop = inside;
  }
  order[(*count)++] = loop;
  return ADZE_OK;
}

enum adze_status im2col_apply(struct builder *builder,
                              struct schedule *schedule, const int64_t *knobs) {
  struct im2col_plan plan = im2col_plan_of(builder);
  const struct stage *sums = builder->stages.data[2];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *order[8];
  size_t count = 0;
  TRY(gather(builder, schedule));
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, sums, last, &write));
  check(schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops)) == 5);
  order[1] = loops[0];
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_PANEL] * knobs[KNOB_BLOCKS],
                     &order[0], &order[2]));
  count = 3;
  TRY(split_residues(schedule, &plan, 0, loops[2], order, &count));
  TRY(split_residues(schedule, &plan, 1, loops[3], order, &count));
  order[count++] = loops[4];
  TRY(schedule_reorder(schedule, order, count));
  struct reduce_plan reduce = {.factor = 1, .lanes = builder->block};
  TRY(common_reduce_at(schedule,
                       schedule_block(schedule, sums->name, BLOCK_WHOLE),
                       order[count - 2], &reduce));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(multiply(builder, schedule, &plan, order[0], knobs));
  return schedule_parallel(schedule, order[0]);
}

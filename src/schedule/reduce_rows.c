/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions, alone (a mean over axes) or within an operator that comes back
 * to every element (softmax, layer norm), as one kernel without barriers: all
 * stages are computed where one row of the result is, with the row's maximum,
 * sums and so on in registers.
 *
 * Two ways to make vectors, by what lies innermost in memory:
 *   rows     what is reduced: a vector of partial results of one row
 *   columns  something else, or rows are too short for that: a vector of
 *            results, of neighbouring rows
 */
#include "ir/simplify.h"
#include "op/reduce.h"
#include "schedule/common.h"
#include "schedule/row.h"

#define SHORT_ROW 16 /* elements; shorter ones side by side in vectors */

/* ---- What is reduced ---------------------------------------------------- */
static void reduce_axis(const struct node *node, size_t rank, bool onwards,
                        bool *out) {
  int64_t axis = node_int(node, "axis");
  size_t first = (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
  for (size_t i = 0; i < rank; i++)
    out[i] = i == first || (onwards && i > first);
}

static bool is_plain_reduction(const struct node *node) {
  static const struct op_def *const ops[] = {
      &op_reduce_sum,        &op_reduce_mean,       &op_reduce_max,
      &op_reduce_min,        &op_reduce_prod,       &op_reduce_l1,
      &op_reduce_l2,         &op_reduce_sum_square, &op_reduce_log_sum,
      &op_reduce_log_sum_exp};
  for (size_t i = 0; i < ARRAY_COUNT(ops); i++)
    if (node->op == ops[i])
      return true;
  return false;
}

/* Which axes of the operand are reduced; false for other operators. */
static bool find_reduced(const struct node *node, bool *out) {
  const struct value *x = node->input_count > 0 ? node->inputs[0] : NULL;
  size_t rank = x ? x->rank : 0;
  if (is_plain_reduction(node))
    node_reduced_axes(node, out);
  else if (node->op == &op_softmax || node->op == &op_log_softmax)
    reduce_axis(node, rank, node_int(node, "flatten") != 0, out);
  else if (node->op == &op_layer_norm)
    reduce_axis(node, rank, true, out);
  else if (node->op == &op_instance_norm)
    for (size_t i = 0; i < rank; i++)
      out[i] = i >= 2;
  else
    return false;
  return rank > 0;
}

static size_t rows_match(struct match_query *query, struct node *node,
                         struct node **nodes, size_t capacity) {
  bool reduced[GRAPH_MAX_RANK], any = false;
  if (capacity < 1 || !find_reduced(node, reduced))
    return match_decline(query, "not a reduction, softmax or normalization");
  const struct value *x = node->inputs[0];
  if (x->dtype != ADZE_F32)
    return match_decline(query, "not fp32");
  for (size_t i = 0; i < x->rank; i++)
    any = any || reduced[i];
  if (!any || node->outputs[0]->rank == 0)
    return match_decline(query, "no rows: all or nothing is reduced");
  nodes[0] = node;
  return 1;
}

/* A reduction over spatial axes works on channel blocks as they are. */
static void rows_demand(const struct match_query *query,
                        const struct group *group, const struct node *node,
                        size_t input, struct demand *out) {
  (void)query, (void)group;
  bool reduced[GRAPH_MAX_RANK];
  find_reduced(node, reduced);
  size_t rank = node->inputs[0]->rank;
  bool channels = rank < 3 || reduced[0] || reduced[1];
  bool spatial = true;
  for (size_t i = 2; i < rank; i++)
    spatial = spatial && reduced[i];
  bool keeps =
      is_plain_reduction(node) && (spatial || node->outputs[0]->rank == rank);
  out->any = input != 0 || (!channels && keeps);
}

static enum adze_status rows_express(struct builder *builder) {
  builder->local_temporaries = true;
  return builder_express(builder, builder->group->nodes.data[0]);
}

/* ---- How it is computed ------------------------------------------------- */
struct rows {
  const struct builder *builder;
  struct schedule *schedule;
  int64_t lanes, vectors;
  bool is_column[LOOP_MAX_RANK]; /* axes of the result along the row */
  bool by_rows, is_short;
  bool is_dense; /* a row is one piece of memory */
  size_t axis;   /* of the result, in memory: what vectors are made of */
};

static int64_t constant_product(const struct value *x, const bool *reduced) {
  int64_t product = 1;
  for (size_t i = 0; i < x->rank; i++) {
    int64_t dim = reduced[i] ? value_dim(x, i) : 1;
    if (dim < 0 || dim > SHORT_ROW)
      return -1;
    product *= dim;
  }
  return product;
}

/* The last axis that is not reduced, with a vector's worth of rows. */
static bool find_short_rows(struct rows *rows, const struct value *x,
                            const bool *reduced) {
  const struct value *out = rows->builder->group->output;
  int64_t product = constant_product(x, reduced);
  if (product < 0 || product > SHORT_ROW)
    return false;
  for (size_t i = out->rank; i-- > 0;) {
    if (rows->is_column[i])
      continue;
    if (value_dim(out, i) < rows->lanes)
      return false;
    rows->axis = i;
    return true;
  }
  return false;
}

static struct rows find_rows(const struct builder *builder) {
  struct rows rows = {.builder = builder};
  const struct node *node = builder->group->nodes.data[0];
  const struct value *x = node->inputs[0], *out = builder->group->output;
  bool reduced[GRAPH_MAX_RANK];
  find_reduced(node, reduced);
  for (size_t i = 0; i < out->rank && out->rank == x->rank; i++)
    rows.is_column[i] = reduced[i];
  rows.lanes = builder->machine->vector_bits / 32;
  bool blocked = builder->placements[x->id].block != 0;
  bool out_blocked = builder->placements[out->id].block != 0;
  rows.axis = out_blocked ? out->rank : out->rank - 1;
  if (!blocked && reduced[x->rank - 1]) {
    rows.is_short = find_short_rows(&rows, x, reduced);
    rows.by_rows = !rows.is_short;
  }
  rows.is_dense = true;
  for (size_t i = 1; i < x->rank; i++)
    rows.is_dense = rows.is_dense && (reduced[i] || !reduced[i - 1]);
  return rows;
}

/* Whether the stage must not be computed again by each of its readers. */
static void find_costly(void *context, const struct expr *node) {
  if (node->kind >= EXPR_EXP && node->kind <= EXPR_POW)
    *(bool *)context = true;
}
static bool is_kept(const struct rows *rows, const struct stage *stage) {
  const struct builder *builder = rows->builder;
  bool costly = false;
  size_t readers = 0;
  expr_walk(builder->pool, stage->body, find_costly, &costly);
  for (size_t i = 0; i < builder->stages.count; i++)
    readers += expr_uses_buffer(builder->pool, builder->stages.data[i]->body,
                                stage->output);
  return costly && readers > 1;
}

static enum adze_status inline_cheap(struct rows *rows) {
  const struct builder *builder = rows->builder;
  for (size_t i = 0; i + 1 < builder->stages.count; i++) {
    const struct stage *stage = builder->stages.data[i];
    if (stage->reduce == REDUCE_NONE && !is_kept(rows, stage))
      TRY(schedule_compute_inline(
          rows->schedule,
          schedule_block(rows->schedule, stage->name, BLOCK_WHOLE)));
  }
  return ADZE_OK;
}

/* The last of the block's loops, `lanes` at a time, outside of it unrolled. */
static enum adze_status keep_columns(struct rows *rows, struct statement *block,
                                     struct statement *tile) {
  struct schedule *schedule = rows->schedule;
  struct statement *loops[LOOP_MAX_RANK * 4], *order[LOOP_MAX_RANK * 4];
  struct statement *vector = NULL, *outer;
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  size_t ordered = 0;
  for (size_t i = common_behind(loops, tile); i < count; i++)
    if (expr_uses_variable(schedule->pool, block->block.axes[rows->axis],
                           loops[i]->loop.variable))
      vector = loops[i];
    else
      order[ordered++] = loops[i];
  if (!vector)
    return ADZE_OK;
  order[ordered++] = vector;
  if (ordered > 1)
    TRY(schedule_reorder(schedule, order, ordered));
  if (vector->loop.extent->integer > rows->lanes) {
    TRY(schedule_split(schedule, vector, rows->lanes, &outer, &vector));
    TRY(schedule_partition(schedule, outer));
    TRY(schedule_unroll(schedule, outer));
  }
  return schedule_vectorize(schedule, vector);
}

/* One stage below the loop over rows, or tiles of them. */
static enum adze_status bring_stage(struct rows *rows,
                                    const struct stage *stage,
                                    struct statement *loop) {
  static const char *const all[] = {"r",  "r0", "r1", "r2", "r3",
                                    "r4", "r5", "r6", "r7", NULL};
  struct schedule *schedule = rows->schedule;
  struct statement *fused,
      *block = schedule_block(schedule, stage->name, BLOCK_WHOLE);
  bool reduces = stage->reduce != REDUCE_NONE;
  if (!reduces)
    TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  if (!rows->by_rows && reduces) {
    struct reduce_plan plan = {.factor = 1, .lanes = rows->lanes};
    if (rows->is_short)
      plan.unrolled = all;
    TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
    return common_reduce_at(schedule, block, loop, &plan);
  }
  TRY(schedule_compute_at(schedule, block, loop));
  if (!rows->by_rows)
    return keep_columns(rows, block, loop);
  TRY(row_fuse(schedule, block, loop, rows->is_dense, &fused));
  if (!fused)
    return reduces ? schedule_set_scope(schedule, block, BUFFER_REGISTER)
                   : ADZE_OK;
  return reduces
             ? row_reduce(schedule, block, fused, rows->lanes, rows->vectors)
             : row_vectorize(schedule, fused, rows->lanes);
}

/* All other stages, the last first, since each goes to the start. */
static enum adze_status bring_stages(struct rows *rows, struct statement *loop,
                                     const struct statement *write) {
  const struct builder *builder = rows->builder;
  for (size_t i = builder->stages.count; i-- > 0;) {
    const struct stage *stage = builder->stages.data[i];
    const struct statement *block =
        schedule_block(rows->schedule, stage->name, BLOCK_WHOLE);
    if (block && block != write)
      TRY(bring_stage(rows, stage, loop));
  }
  return ADZE_OK;
}

static enum adze_status fuse_all(struct schedule *schedule,
                                 struct statement **loops, size_t count,
                                 struct statement **fused) {
  *fused = loops[0];
  for (size_t i = 1; i < count; i++)
    TRY(schedule_fuse(schedule, *fused, loops[i], fused));
  return ADZE_OK;
}

static enum adze_status apply_rows(struct rows *rows, struct statement *write) {
  struct schedule *schedule = rows->schedule;
  struct statement *loops[LOOP_MAX_RANK * 2], *row, *columns;
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  size_t outer = 0;
  const struct node *node = rows->builder->group->nodes.data[0];
  while (outer < count && (is_plain_reduction(node) || !rows->is_column[outer]))
    outer++;
  TRY(fuse_all(schedule, loops, outer, &row));
  TRY(bring_stages(rows, row, write));
  TRY(row_fuse(schedule, write, row, true, &columns));
  if (columns)
    TRY(row_vectorize(schedule, columns, rows->lanes));
  return schedule_parallel(schedule, row);
}

static bool is_one(struct statement *const *loops, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!expr_is_value(loops[i]->loop.extent, 1))
      return false;
  return true;
}

static enum adze_status apply_columns(struct rows *rows,
                                      struct statement *write) {
  struct schedule *schedule = rows->schedule;
  struct statement *loops[LOOP_MAX_RANK * 2], *order[LOOP_MAX_RANK * 2];
  struct statement *tile, *inner, *outermost = NULL;
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  size_t outer = 0, ordered;
  for (size_t i = 0; i < count; i++)
    if (i != rows->axis && !rows->is_column[i])
      order[outer++] = loops[i];
  int64_t extent, size = rows->lanes * rows->vectors;
  if (expr_get_integer(loops[rows->axis]->loop.extent, &extent)) {
    while (rows->lanes > 1 && rows->lanes > extent)
      rows->lanes /= 2;
    if (size > extent)
      size = extent / rows->lanes * rows->lanes;
  } else {
    size = rows->lanes; /* where a tail of several begins is unknown */
  }
  TRY(schedule_split(schedule, loops[rows->axis], size, &tile, &inner));
  ordered = outer;
  order[ordered++] = tile;
  for (size_t i = 0; i < count; i++)
    if (i != rows->axis && rows->is_column[i])
      order[ordered++] = loops[i];
  order[ordered++] = inner;
  TRY(schedule_reorder(schedule, order, ordered));
  /* What is parallel: tiles too where there is just one row of them. */
  if (is_one(order, outer)) {
    TRY(fuse_all(schedule, order, outer + 1, &tile));
    outermost = tile;
  } else {
    TRY(fuse_all(schedule, order, outer, &outermost));
  }
  TRY(schedule_partition(schedule, tile));
  TRY(bring_stages(rows, tile, write));
  if (size > rows->lanes) {
    struct statement *vectors;
    TRY(schedule_split(schedule, inner, rows->lanes, &vectors, &inner));
    TRY(schedule_partition(schedule, vectors));
    TRY(schedule_unroll(schedule, vectors));
  }
  TRY(schedule_vectorize(schedule, inner));
  return schedule_parallel(schedule, outermost);
}

/* A reduction whose extent may be 0 is expanded in two blocks. */
static bool is_whole(const struct rows *rows) {
  const struct builder *builder = rows->builder;
  for (size_t i = 0; i < builder->stages.count; i++)
    if (!schedule_block(rows->schedule, builder->stages.data[i]->name,
                        BLOCK_WHOLE))
      return false;
  return true;
}

static enum adze_status rows_apply(struct builder *builder,
                                   struct schedule *schedule,
                                   const int64_t *knobs) {
  struct rows rows = find_rows(builder);
  struct statement *write;
  rows.schedule = schedule;
  rows.vectors = knobs[0];
  if (!is_whole(&rows))
    return ADZE_OK;
  TRY(inline_cheap(&rows));
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  write = schedule_block(schedule, last->name, BLOCK_WHOLE);
  if (last->reduce != REDUCE_NONE)
    TRY(schedule_cache_write(schedule, write, BUFFER_REGISTER, &write));
  return rows.by_rows ? apply_rows(&rows, write) : apply_columns(&rows, write);
}

/* ---- Knobs -------------------------------------------------------------- */
static const char *const rows_knobs[] = {"vectors", NULL};

static size_t rows_space(const struct builder *builder, size_t knob,
                         int64_t *values, size_t capacity) {
  (void)builder, (void)knob;
  size_t count = 0;
  for (int64_t v = 1; v <= 8 && count < capacity; v *= 2)
    values[count++] = v;
  return count;
}

/* Enough to hide the latency of an addition; of short rows there is one. */
static void rows_choose(const struct builder *builder, int64_t *knobs) {
  knobs[0] = find_rows(builder).is_short ? 1 : 4;
}

const struct template template_reduce_rows = {
    .name = "reduce_rows",
    .summary = "reductions, softmax and normalization, row by row",
    .match = rows_match,
    .demand = rows_demand,
    .express = rows_express,
    .knobs = rows_knobs,
    .space = rows_space,
    .choose = rows_choose,
    .apply = rows_apply,
};

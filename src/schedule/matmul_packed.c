/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product with constant weights: out[…, m, n] = sum(k) a[…, m, k]
 * * b[k, n].
 *
 *   B       lanes of a vector
 *   packed  [ceil(N/B), K, B]: panels of B columns, zeros past N
 *
 * A register tile is MR rows by NR panels. With one row (a dense layer at
 * batch 1) the weights are everything: NR panels stream through once, enough
 * of them to hide the latency of the additions, and workers split the panels.
 */
#include "ir/simplify.h"
#include "schedule/common.h"

enum { KNOB_ROWS, KNOB_PANELS, KNOB_UNROLL };

static size_t packed_match(struct match_query *query, struct node *node,
                           struct node **nodes, size_t capacity) {
  if (capacity < 1 || node->op != &op_matmul)
    return match_decline(query, "not a matrix product");
  const struct value *a = node->inputs[0], *b = node->inputs[1];
  if (a->dtype != ADZE_F32 || !b->constant || b->rank != 2 || a->rank < 2)
    return match_decline(query, "the right operand is no constant fp32 matrix");
  nodes[0] = node;
  return 1;
}

static void packed_demand(const struct match_query *query,
                          const struct group *group, const struct node *node,
                          size_t input, struct demand *out) {
  (void)query, (void)group, (void)node, (void)input;
  out->any = true;
}

struct packing {
  int64_t block, columns;
  bool transposed;
};

static const struct expr *pack_panels(void *context, struct expr_pool *pool,
                                      struct buffer *source,
                                      const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct expr *n = expr_add(
      pool, expr_mul(pool, axes[0], expr_index(pool, packing->block)),
      axes[2]);
  const struct expr *indices[2] = {packing->transposed ? n : axes[1],
                                   packing->transposed ? axes[1] : n};
  return expr_select(
      pool, expr_less(pool, n, expr_index(pool, packing->columns)),
      expr_load(pool, source, indices, 2),
      expr_constant(pool, source->dtype, 0));
}

static enum adze_status packed_express(struct builder *builder) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  const struct value *a = node->inputs[0], *b = node->inputs[1];
  bool transposed = node_int(node, "transpose_b") != 0;
  struct packing packing = {builder->block,
                            b->constant->dims[transposed ? 0 : 1],
                            transposed};
  const struct expr *depth = b->dims[transposed ? 1 : 0];
  const struct expr *block = expr_index(pool, builder->block);
  const struct expr *shape[3] = {
      expr_index(pool, ceil_div(packing.columns, builder->block)), depth,
      block};
  struct buffer *panels =
      builder_pack(builder, b, "panels", shape, 3, pack_panels, &packing);
  struct stage *stage =
      builder_stage(builder, builder_buffer(builder, node->outputs[0]));
  size_t rank = stage->axis_count;
  const struct expr *indices[LOOP_MAX_RANK];
  const struct expr *k = builder_reduction(builder, stage, "k", depth);
  const struct expr *n = expr_variable(pool, stage->axes[rank - 1]);
  for (size_t i = 0; i + 1 < rank; i++)
    indices[i] = expr_variable(pool, stage->axes[i]);
  indices[rank - 1] = k;
  if (node_int(node, "transpose_a") != 0) {
    indices[rank - 1] = indices[rank - 2];
    indices[rank - 2] = k;
  }
  const struct expr *placed[LOOP_MAX_RANK];
  size_t placed_rank = placement_indices(
      pool, &builder->placements[a->id], rank, indices, placed);
  const struct expr *w[3] = {expr_floor_div(pool, n, block), k,
                             expr_floor_mod(pool, n, block)};
  struct buffer *left = builder_buffer(builder, a);
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, stage->output->dtype, 0);
  stage->body = expr_mul(pool, expr_load(pool, left, placed, placed_rank),
                         expr_load(pool, panels, w, 3));
  vec_push(builder->arena, &builder->stages, stage);
  return ADZE_OK;
}

static const char *const packed_knobs[] = {"rows", "panels", "unroll", NULL};

static size_t packed_space(const struct builder *builder, size_t knob,
                           int64_t *values, size_t capacity) {
  size_t count = 0;
  int64_t limit = knob == KNOB_ROWS     ? 14
                  : knob == KNOB_PANELS ? builder->machine->vector_registers / 2
                                        : 8;
  for (int64_t v = 1; v <= limit && count < capacity;
       v = knob == KNOB_ROWS ? v + 1 : v * 2)
    values[count++] = v;
  return count;
}

static void packed_choose(const struct builder *builder, int64_t *knobs) {
  const struct value *out = builder->group->nodes.data[0]->outputs[0];
  int64_t rows = value_dim(out, out->rank - 2);
  int64_t panels = ceil_div(value_dim(out, out->rank - 1), builder->block);
  int64_t registers = builder->machine->vector_registers;
  knobs[KNOB_PANELS] = rows == 1 ? registers / 4 : 2;
  while (knobs[KNOB_PANELS] > 1 && knobs[KNOB_PANELS] > panels)
    knobs[KNOB_PANELS] /= 2;
  int64_t most = (registers - 1) / knobs[KNOB_PANELS] - 1, best = 1;
  for (int64_t r = 1; r <= most && r <= 14 && rows != 1; r++)
    if (rows < 1 || r >= rows || rows % r == 0 || rows / r > 3)
      best = rows > 0 && r > rows ? best : r;
  knobs[KNOB_ROWS] = best;
  knobs[KNOB_UNROLL] = 4;
}

static enum adze_status packed_apply(struct builder *builder,
                                     struct schedule *schedule,
                                     const int64_t *knobs) {
  const struct stage *anchor = builder->stages.data[0];
  const struct stage *last =
      builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK + 4], *tile, *n, *lane, *m,
      *row;
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  TRY(schedule_split(schedule, loops[count - 1],
                     knobs[KNOB_PANELS] * builder->block, &tile, &n));
  TRY(schedule_split(schedule, n, builder->block, &n, &lane));
  TRY(schedule_split(schedule, loops[count - 2], knobs[KNOB_ROWS], &m, &row));
  TRY(schedule_partition(schedule, tile));
  TRY(schedule_partition(schedule, n));
  TRY(schedule_partition(schedule, m));
  struct statement *order[LOOP_MAX_RANK + 4];
  size_t ordered = 0;
  order[ordered++] = tile;
  for (size_t i = 0; i + 2 < count; i++)
    order[ordered++] = loops[i];
  order[ordered++] = m;
  order[ordered++] = row;
  order[ordered++] = n;
  order[ordered++] = lane;
  TRY(schedule_reorder(schedule, order, ordered));
  struct reduce_plan plan = {.factor = knobs[KNOB_UNROLL],
                             .lanes = builder->block};
  TRY(common_reduce_at(schedule,
                       schedule_block(schedule, anchor->name, BLOCK_WHOLE), m,
                       &plan));
  TRY(schedule_unroll(schedule, row));
  TRY(schedule_unroll(schedule, n));
  TRY(schedule_vectorize(schedule, lane));
  return schedule_parallel(schedule, tile);
}

const struct template template_matmul_packed = {
    .name = "matmul_packed",
    .summary = "matrix product with constant weights in panels",
    .match = packed_match,
    .demand = packed_demand,
    .express = packed_express,
    .knobs = packed_knobs,
    .space = packed_space,
    .choose = packed_choose,
    .apply = packed_apply,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of convolution by gathered places, as conv_im2col.c explains
 * them. */
#include "ir/simplify.h"
#include "schedule/im2col.h"

struct im2col {
  struct builder *builder;
  const struct node *node;
  struct im2col_plan plan;
};

struct im2col_packing {
  struct im2col_plan plan;
  int64_t block;
};

/* Of rows and of columns. */
static void split_residue(struct expr_pool *pool,
                          const struct im2col_plan *plan, const struct expr *r,
                          const struct expr **out) {
  const struct expr *columns = expr_index(pool, plan->residues[1]);
  out[0] = expr_floor_div(pool, r, columns);
  out[1] = expr_floor_mod(pool, r, columns);
}

static const struct expr *first_tap(struct expr_pool *pool,
                                    const struct im2col_plan *plan, int axis,
                                    const struct expr *r) {
  int64_t stride = plan->residues[axis];
  int64_t shift = plan->is_transposed ? plan->window.before[axis] % stride : 0;
  return expr_floor_div(pool, expr_add(pool, r, expr_index(pool, shift)),
                        expr_index(pool, stride));
}

static struct stage *add_stage(struct im2col *m, struct buffer *buffer,
                               const struct expr **axes) {
  struct builder *builder = m->builder;
  struct stage *stage = builder_stage(builder, buffer);
  for (size_t i = 0; i < buffer->rank; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  vec_push(builder->arena, &builder->stages, stage);
  return stage;
}

/* Places past the last one, in the last tile, are the last one again. */
static struct buffer *columns_stage(struct im2col *m) {
  struct builder *builder = m->builder;
  struct expr_pool *pool = builder->pool;
  const struct im2col_plan *plan = &m->plan;
  const struct expr *a[7];
  const struct expr *tile = expr_index(pool, plan->tile.columns);
  const struct expr *chunk = expr_index(pool, plan->chunk);
  const struct expr *shape[7] = {
      expr_index(pool, plan->in_blocks / plan->chunk),
      expr_index(pool, ceil_div(plan->places, plan->tile.columns)),
      chunk,
      expr_index(pool, plan->gather.kernel[0]),
      expr_index(pool, plan->gather.kernel[1]),
      tile,
      expr_index(pool, builder->block)};
  struct buffer *columns = buffer_new(pool, builder_name(builder, "columns"),
                                      ADZE_F32, BUFFER_ARGUMENT, shape, 7);
  builder_add_temporary(builder, columns);
  struct stage *stage = add_stage(m, columns, a);
  const struct expr *width = expr_index(pool, plan->extent[1]);
  const struct expr *height = expr_index(pool, plan->extent[0]);
  const struct expr *place = expr_add(pool, expr_mul(pool, a[1], tile), a[5]);
  if (plan->places % plan->tile.columns != 0)
    place = expr_min(pool, place, expr_index(pool, plan->places - 1));
  place = simplify(pool, place);
  const struct expr *row = expr_floor_div(pool, place, width);
  const struct expr *y = expr_floor_mod(pool, row, height);
  const struct expr *x = expr_floor_mod(pool, place, width);
  const struct window2d *gather = &plan->gather;
  const struct expr *at[5] = {expr_floor_div(pool, row, height),
                              expr_add(pool, expr_mul(pool, a[0], chunk), a[2]),
                              window2d_position(pool, gather, 0, y, a[3]),
                              window2d_position(pool, gather, 1, x, a[4]),
                              a[6]};
  struct buffer *in = builder_buffer(builder, m->node->inputs[0]);
  stage->body = expr_load(pool, in, at, 5);
  return columns;
}

/* packed[k, r, c, kh, kw, ci, lane]; r counts the residues of rows and
 * columns. A transposed convolution has its weights the other way round in each
 * residue, [C, K, R, S]. */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct im2col_packing *packing = context;
  const struct im2col_plan *plan = &packing->plan;
  const struct window2d *window = &plan->window;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[0], block), axes[6]);
  const struct expr *c =
      expr_add(pool, expr_mul(pool, axes[2], block), axes[5]);
  const struct expr *exists =
      expr_and(pool, expr_less(pool, k, expr_index(pool, window->out_channels)),
               expr_less(pool, c, expr_index(pool, window->in_channels)));
  const struct expr *at[4] = {k, c, axes[3], axes[4]};
  const struct expr *weight = NULL;
  if (plan->is_transposed) {
    const struct expr *residue[2], *phase[2], *tap[2];
    split_residue(pool, plan, axes[1], residue);
    for (int axis = 0; axis < 2; axis++) {
      phase[axis] = expr_floor_mod(
          pool,
          expr_add(pool, residue[axis], expr_index(pool, window->before[axis])),
          expr_index(pool, window->stride[axis]));
      tap[axis] = expr_sub(pool, expr_index(pool, plan->taps[axis] - 1),
                           axes[3 + axis]);
    }
    weight = window2d_phase_weight(pool, window, source, k, c, phase, tap);
  } else {
    weight = expr_load(pool, source, at, 4);
  }
  return expr_select(pool, exists, weight,
                     expr_constant(pool, source->dtype, 0));
}

static struct buffer *packed_weights(struct im2col *m) {
  struct expr_pool *pool = m->builder->pool;
  const struct im2col_plan *plan = &m->plan;
  struct im2col_packing packing = {*plan, m->builder->block};
  const struct expr *block = expr_index(pool, m->builder->block);
  const struct expr *shape[7] = {expr_index(pool, plan->out_blocks),
                                 expr_index(pool, im2col_residues(plan)),
                                 expr_index(pool, plan->in_blocks),
                                 expr_index(pool, plan->taps[0]),
                                 expr_index(pool, plan->taps[1]),
                                 block,
                                 block};
  return builder_pack(m->builder, m->node->inputs[1], "im2col", shape, 7,
                      pack_weights, &packing);
}

static struct buffer *part_stage(struct im2col *m, struct buffer *columns) {
  struct builder *builder = m->builder;
  struct expr_pool *pool = builder->pool;
  const struct im2col_plan *plan = &m->plan;
  const struct expr *a[5], *kernel[2], *column[2], *residue[2];
  struct buffer *packed = packed_weights(m);
  const struct expr *shape[5] = {
      expr_index(pool, plan->in_blocks / plan->chunk), packed->shape[0],
      packed->shape[1], expr_index(pool, plan->places), packed->shape[6]};
  struct stage *stage =
      add_stage(m,
                buffer_new(pool, builder_name(builder, "part"), ADZE_F32,
                           BUFFER_STACK, shape, 5),
                a);
  const struct expr *c =
      builder_reduction(builder, stage, "c", columns->shape[2]);
  split_residue(pool, plan, a[2], residue);
  for (int axis = 0; axis < 2; axis++) {
    kernel[axis] = builder_reduction(builder, stage, axis ? "kw" : "kh",
                                     packed->shape[3 + axis]);
    column[axis] = expr_add(pool, kernel[axis],
                            first_tap(pool, plan, axis, residue[axis]));
  }
  const struct expr *ci =
      builder_reduction(builder, stage, "ci", packed->shape[5]);
  const struct expr *tile = columns->shape[5];
  const struct expr *at[7] = {
      a[0],      expr_floor_div(pool, a[3], tile), c, column[0],
      column[1], expr_floor_mod(pool, a[3], tile), ci};
  const struct expr *w[7] = {
      a[1],
      a[2],
      expr_add(pool, expr_mul(pool, a[0], columns->shape[2]), c),
      kernel[0],
      kernel[1],
      ci,
      a[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, ADZE_F32, 0);
  stage->body = expr_mul(pool, expr_load(pool, columns, at, 7),
                         expr_load(pool, packed, w, 7));
  return stage->output;
}

static void sum_stage(struct im2col *m, struct buffer *part) {
  struct builder *builder = m->builder;
  struct expr_pool *pool = builder->pool;
  const struct im2col_plan *plan = &m->plan;
  const struct expr *a[5], *inside[2], *residue[2];
  struct buffer *sums = window2d_sums(builder, m->node);
  struct stage *stage = add_stage(m, sums, a);
  for (int axis = 0; axis < 2; axis++) {
    const struct expr *residues = expr_index(pool, plan->residues[axis]);
    inside[axis] = expr_floor_div(pool, a[2 + axis], residues);
    residue[axis] = expr_floor_mod(pool, a[2 + axis], residues);
  }
  const struct expr *row = expr_add(
      pool, expr_mul(pool, a[0], expr_index(pool, plan->extent[0])), inside[0]);
  const struct expr *place = expr_add(
      pool, expr_mul(pool, row, expr_index(pool, plan->extent[1])), inside[1]);
  const struct expr *r = expr_add(
      pool, expr_mul(pool, residue[0], expr_index(pool, plan->residues[1])),
      residue[1]);
  const struct expr *at[5] = {
      builder_reduction(builder, stage, "h", part->shape[0]), a[1], r, place,
      a[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, sums->dtype, 0);
  stage->body = expr_load(pool, part, at, 5);
  window2d_finish(builder, m->node, sums);
}

enum adze_status im2col_express(struct builder *builder) {
  struct im2col m = {.builder = builder,
                     .node = builder->group->nodes.data[0],
                     .plan = im2col_plan_of(builder)};
  sum_stage(&m, part_stage(&m, columns_stage(&m)));
  return ADZE_OK;
}

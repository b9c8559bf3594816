/* SPDX-License-Identifier: Apache-2.0 */
/* A 1x1 convolution is a product of places by channels; Strassen's algorithm
 * takes it in halves and multiplies seven times instead of eight, for some
 * additions.
 *
 *   m            a group of rows of one image: n*groups + g
 *   q            a place in the first half of a group's places, or the one as
 *                far into the second half; t*T + j in tiles of T
 *   c k          blocks of input and of output channels in the first half, or
 *                those as far into the second
 *
 *   spread[m,u,t,c,j,ci]   = sums of in at q and in the second half, of c and
 *                            in the second half
 *   product[m,u,k,q,lane]  = sum(c,ci) spread[m,u,t,c,j,ci]
 *                                      * packed[k,u,c,ci,lane]
 *   out[n,k',y,x,lane]     = bias + sums of product[m,u,k,q,lane]
 *
 * V. Strassen, "Gaussian Elimination is not Optimal" (1969), in the form of S.
 * Winograd (1971), which adds 15 times; here four of these are the weights',
 * at compile time:
 *
 *   S1 = A21+A22  S2 = S1-A11  S3 = A11-A21  S4 = A12-S2
 *   T1 = B12-B11  T2 = B22-T1  T3 = B22-B12  T4 = T2-B21
 *   P1 = A11 B11  P2 = A12 B21  P3 = S4 B22  P4 = A22 T4
 *   P5 = S1 T1    P6 = S2 T2    P7 = S3 T3
 *   C11 = P1+P2          C12 = P1+P6+P5+P3
 *   C21 = P1+P6+P7-P4    C22 = P1+P6+P7+P5
 *
 * The weights are 7/4 as large. A group's spread input stays in the L2 cache
 * while the tiles of output channels pass by.
 */
#include "schedule/strassen.h"

#include "ir/simplify.h"

/* ---- Stages -------------------------------------------------------------- */
struct strassen {
  struct builder *builder;
  const struct node *node;
  struct strassen_plan plan;
};

/* One of seven by index `u`, which unrolling decides. */
static const struct expr *choose(struct expr_pool *pool, const struct expr *u,
                                 const struct expr *const *of) {
  const struct expr *chosen = of[STRASSEN_PRODUCTS - 1];
  for (int64_t i = STRASSEN_PRODUCTS - 1; i-- > 0;)
    chosen = expr_select(pool, expr_equal(pool, u, expr_index(pool, i)), of[i],
                         chosen);
  return chosen;
}

/* The input at a place of a group: of the half, or the last one behind it. */
static const struct expr *load_input(struct strassen *s,
                                     const struct expr *const *a, int half,
                                     int64_t channels_half) {
  struct expr_pool *pool = s->builder->pool;
  const struct strassen_plan *plan = &s->plan;
  int64_t places = plan->group * plan->width;
  const struct expr *groups = expr_index(pool, plan->groups / plan->batch);
  const struct expr *width = expr_index(pool, plan->width);
  const struct expr *place = expr_add(
      pool,
      expr_add(pool, expr_mul(pool, a[2], expr_index(pool, plan->tile.columns)),
               a[4]),
      expr_index(pool, half * plan->half_places));
  place = simplify(pool, expr_min(pool, place, expr_index(pool, places - 1)));
  const struct expr *row =
      expr_add(pool,
               expr_mul(pool, expr_floor_mod(pool, a[0], groups),
                        expr_index(pool, plan->group)),
               expr_floor_div(pool, place, width));
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *at[5] = {
      expr_floor_div(pool, a[0], groups),
      expr_add(pool, a[3], expr_index(pool, channels_half * plan->half_inputs)),
      window2d_position(pool, &plan->window, 0, row, zero),
      window2d_position(pool, &plan->window, 1,
                        expr_floor_mod(pool, place, width), zero),
      a[5]};
  return expr_load(pool, builder_buffer(s->builder, s->node->inputs[0]), at, 5);
}

static struct buffer *spread_stage(struct strassen *s) {
  struct builder *builder = s->builder;
  struct expr_pool *pool = builder->pool;
  const struct strassen_plan *plan = &s->plan;
  const struct expr *a[6];
  const struct expr *shape[6] = {
      expr_index(pool, plan->groups),
      expr_index(pool, STRASSEN_PRODUCTS),
      expr_index(pool, ceil_div(plan->half_places, plan->tile.columns)),
      expr_index(pool, plan->half_inputs),
      expr_index(pool, plan->tile.columns),
      expr_index(pool, builder->block)};
  struct buffer *spread =
      buffer_new(pool, builder_name(builder, "spread"), ADZE_F32,
                 plan->is_shared ? BUFFER_ARGUMENT : BUFFER_STACK, shape, 6);
  if (plan->is_shared)
    builder_add_temporary(builder, spread);
  struct stage *stage = builder_add_stage(builder, spread, a);
  const struct expr *a11 = load_input(s, a, 0, 0),
                    *a12 = load_input(s, a, 0, 1),
                    *a21 = load_input(s, a, 1, 0),
                    *a22 = load_input(s, a, 1, 1);
  const struct expr *s1 = expr_add(pool, a21, a22);
  const struct expr *s2 = expr_sub(pool, s1, a11);
  const struct expr *of[STRASSEN_PRODUCTS] = {
      a11, a12, expr_sub(pool, a12, s2), a22, s1, s2, expr_sub(pool, a11, a21)};
  stage->body = choose(pool, a[1], of);
  return spread;
}

struct packing {
  struct strassen_plan plan;
  int64_t block;
};

static const struct expr *load_weight(const struct packing *packing,
                                      struct expr_pool *pool,
                                      struct buffer *source,
                                      const struct expr *const *axes,
                                      int64_t input_half, int64_t output_half) {
  const struct strassen_plan *plan = &packing->plan;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *k = expr_add(
      pool, expr_mul(pool, axes[0], expr_index(pool, plan->tile.blocks)),
      expr_add(pool, axes[2],
               expr_index(pool, output_half * plan->half_outputs)));
  const struct expr *c =
      expr_add(pool, axes[3], expr_index(pool, input_half * plan->half_inputs));
  const struct expr *at[4] = {expr_add(pool, expr_mul(pool, k, block), axes[5]),
                              expr_add(pool, expr_mul(pool, c, block), axes[4]),
                              zero, zero};
  return expr_load(pool, source, at, 4);
}

/* packed[k, u, block of the tile, c, ci, lane]: in the order of use. */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct expr *b11 = load_weight(packing, pool, source, axes, 0, 0),
                    *b12 = load_weight(packing, pool, source, axes, 0, 1),
                    *b21 = load_weight(packing, pool, source, axes, 1, 0),
                    *b22 = load_weight(packing, pool, source, axes, 1, 1);
  const struct expr *t1 = expr_sub(pool, b12, b11);
  const struct expr *t2 = expr_sub(pool, b22, t1);
  const struct expr *of[STRASSEN_PRODUCTS] = {
      b11, b21, b22, expr_sub(pool, t2, b21), t1, t2, expr_sub(pool, b22, b12)};
  return choose(pool, axes[1], of);
}

static struct buffer *product_stage(struct strassen *s, struct buffer *spread) {
  struct builder *builder = s->builder;
  struct expr_pool *pool = builder->pool;
  const struct strassen_plan *plan = &s->plan;
  struct packing packing = {*plan, builder->block};
  const struct expr *block = expr_index(pool, builder->block);
  const struct expr *tile = expr_index(pool, plan->tile.columns);
  const struct expr *blocks = expr_index(pool, plan->tile.blocks);
  const struct expr *packed_shape[6] = {
      expr_index(pool, plan->half_outputs / plan->tile.blocks),
      expr_index(pool, STRASSEN_PRODUCTS),
      blocks,
      expr_index(pool, plan->half_inputs),
      block,
      block};
  const struct expr *shape[5] = {spread->shape[0], spread->shape[1],
                                 expr_index(pool, plan->half_outputs),
                                 expr_index(pool, plan->half_places), block};
  struct buffer *packed = builder_pack(builder, s->node->inputs[1], "strassen",
                                       packed_shape, 6, pack_weights, &packing);
  const struct expr *a[5];
  struct stage *stage =
      builder_add_stage(builder,
                        buffer_new(pool, builder_name(builder, "product"),
                                   ADZE_F32, BUFFER_STACK, shape, 5),
                        a);
  const struct expr *c =
      builder_reduction(builder, stage, "c", spread->shape[3]);
  const struct expr *ci = builder_reduction(builder, stage, "ci", block);
  const struct expr *at[6] = {a[0],
                              a[1],
                              expr_floor_div(pool, a[3], tile),
                              c,
                              expr_floor_mod(pool, a[3], tile),
                              ci};
  const struct expr *w[6] = {expr_floor_div(pool, a[2], blocks),
                             a[1],
                             expr_floor_mod(pool, a[2], blocks),
                             c,
                             ci,
                             a[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, ADZE_F32, 0);
  stage->body = expr_mul(pool, expr_load(pool, spread, at, 6),
                         expr_load(pool, packed, w, 6));
  return stage->output;
}

static void output_stage(struct strassen *s, struct buffer *product) {
  struct builder *builder = s->builder;
  struct expr_pool *pool = builder->pool;
  const struct strassen_plan *plan = &s->plan;
  const struct expr *a[5], *p[STRASSEN_PRODUCTS];
  struct stage *stage = builder_add_stage(
      builder, builder_buffer(builder, s->node->outputs[0]), a);
  const struct expr *rows = expr_index(pool, plan->group);
  const struct expr *half = expr_index(pool, plan->half_places);
  const struct expr *outputs = expr_index(pool, plan->half_outputs);
  const struct expr *place =
      expr_add(pool,
               expr_mul(pool, expr_floor_mod(pool, a[2], rows),
                        expr_index(pool, plan->width)),
               a[3]);
  const struct expr *m = expr_add(
      pool, expr_mul(pool, a[0], expr_index(pool, plan->groups / plan->batch)),
      expr_floor_div(pool, a[2], rows));
  for (int u = 0; u < STRASSEN_PRODUCTS; u++) {
    const struct expr *at[5] = {m, expr_index(pool, u),
                                expr_floor_mod(pool, a[1], outputs),
                                expr_floor_mod(pool, place, half), a[4]};
    p[u] = expr_load(pool, product, at, 5);
  }
  const struct expr *u2 = expr_add(pool, p[0], p[5]);
  const struct expr *u3 = expr_add(pool, u2, p[6]);
  const struct expr *first = expr_less(pool, a[1], outputs);
  const struct expr *above =
      expr_select(pool, first, expr_add(pool, p[0], p[1]),
                  expr_add(pool, expr_add(pool, u2, p[4]), p[2]));
  const struct expr *below = expr_select(pool, first, expr_sub(pool, u3, p[3]),
                                         expr_add(pool, u3, p[4]));
  stage->body = window2d_add_bias(
      builder, s->node,
      expr_select(pool, expr_less(pool, place, half), above, below), a[1],
      a[4]);
}

void strassen_express(struct builder *builder, const struct node *node,
                      const struct strassen_plan *plan) {
  struct strassen s = {builder, node, *plan};
  output_stage(&s, product_stage(&s, spread_stage(&s)));
}

/* ---- Schedule ------------------------------------------------------------ */
/* Where a tile's places are is computed once for all channels. */
static enum adze_status schedule_spread(struct schedule *schedule,
                                        const struct stage *spread,
                                        struct statement *at) {
  enum { M, U, T, C, J, LANE };
  static const size_t wanted[] = {T, C, J, U, LANE};
  struct statement *along[LANE + 1], *order[LANE];
  struct statement *block = schedule_block(schedule, spread->name, BLOCK_WHOLE);
  size_t ordered = 0;
  if (at) {
    TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
    TRY(schedule_compute_at(schedule, block, at));
  }
  for (size_t axis = 0; axis <= LANE; axis++)
    along[axis] = common_loop_over(schedule, block, axis, at);
  for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
    if (along[wanted[i]])
      order[ordered++] = along[wanted[i]];
  TRY(schedule_reorder(schedule, order, ordered));
  if (along[J])
    TRY(schedule_unroll(schedule, along[J]));
  TRY(schedule_unroll(schedule, along[U]));
  TRY(schedule_vectorize(schedule, along[LANE]));
  struct statement *outer[] = {along[M], along[T]};
  return at ? ADZE_OK : common_parallel(schedule, outer, 2);
}

/* The products of a tile of output channels, below `tile`. */
static enum adze_status
multiply(struct builder *builder, struct schedule *schedule,
         const struct node *node, const struct strassen_plan *plan,
         const struct stage *product, struct statement *tile, int64_t unroll) {
  struct statement *copy, *q, *q_inner;
  struct statement *block =
      schedule_block(schedule, product->name, BLOCK_WHOLE);
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  TRY(schedule_set_scope(schedule, copy, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, copy, tile));
  struct statement *u = common_loop_over(schedule, copy, 1, tile);
  struct statement *k = common_loop_over(schedule, copy, 2, tile);
  struct statement *lane = common_loop_over(schedule, copy, 4, tile), *order[5];
  TRY(schedule_split(schedule, common_loop_over(schedule, copy, 3, tile),
                     plan->tile.columns, &q, &q_inner));
  TRY(schedule_partition(schedule, q));
  size_t ordered = 0;
  order[ordered++] = u;
  order[ordered++] = q;
  order[ordered++] = q_inner;
  if (k)
    order[ordered++] = k;
  order[ordered++] = lane;
  TRY(schedule_reorder(schedule, order, ordered));
  struct reduce_plan reduce = {
      .factor = unroll, .lanes = builder->block, .inner_axis = 2};
  TRY(common_reduce_at(schedule, block, q, &reduce));
  TRY(schedule_unroll(schedule, q_inner));
  if (k)
    TRY(schedule_unroll(schedule, k));
  TRY(schedule_vectorize(schedule, lane));
  return common_prefetch_next(builder, schedule, node->inputs[1], product, u);
}

enum adze_status
strassen_schedule(struct builder *builder, struct schedule *schedule,
                  const struct node *node, const struct strassen_plan *plan,
                  size_t first, int64_t unroll, struct strassen_loops *out) {
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *loops[LOOP_MAX_RANK], *y, *j, *k;
  struct statement *write = schedule_block(schedule, last->name, BLOCK_WHOLE);
  check(schedule_loops_around(schedule, write, loops, LOOP_MAX_RANK) == 5);
  out->image = loops[0];
  TRY(schedule_split(schedule, loops[1], plan->half_outputs, &j, &k));
  TRY(schedule_split(schedule, k, plan->tile.blocks, &out->tile, &k));
  TRY(schedule_split(schedule, loops[2], plan->group, &out->group, &y));
  struct statement *order[] = {out->image, out->group, out->tile, k,
                               y,          loops[3],   j,         loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(schedule_unroll(schedule, j));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(multiply(builder, schedule, node, plan, builder->stages.data[first + 1],
               out->tile, unroll));
  return schedule_spread(schedule, builder->stages.data[first],
                         plan->is_shared ? NULL : out->group);
}

enum adze_status strassen_parallel(struct schedule *schedule,
                                   const struct strassen_plan *plan,
                                   const struct strassen_loops *loops) {
  struct statement *outer[] = {loops->image, loops->group, loops->tile};
  return common_parallel(schedule, outer, plan->is_shared ? 3 : 2);
}

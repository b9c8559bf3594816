/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of Winograd's algorithm, as conv_winograd.c explains them. */
#include "ir/simplify.h"
#include "schedule/winograd.h"

struct winograd_plan winograd_plan_of(const struct builder *builder) {
  struct winograd_plan plan;
  const char *reason;
  bool applies =
      winograd_plan_make(builder->machine, builder->block,
                         builder->group->nodes.data[0], &plan, &reason);
  check(applies);
  return plan;
}

size_t winograd_match(struct match_query *query, const struct op_def *op,
                      struct node *node, struct node **nodes, size_t capacity) {
  struct winograd_plan plan;
  const char *reason = NULL;
  if (node->op != op)
    return match_decline(query, "another operator");
  if (!query->winograd)
    return match_decline(query, "--no-winograd was given");
  if (capacity < 1 ||
      !winograd_plan_make(query->machine, query->block, node, &plan, &reason))
    return match_decline(query, reason);
  nodes[0] = node;
  return 1;
}

void winograd_demand(const struct match_query *query, const struct group *group,
                     const struct node *node, size_t input,
                     struct demand *out) {
  (void)group;
  struct winograd_plan plan;
  const char *reason;
  if (input != 0 ||
      !winograd_plan_make(query->machine, query->block, node, &plan, &reason)) {
    out->any = true;
    return;
  }
  out->blocked = !plan.gathers;
  for (size_t axis = 0; axis < 2; axis++) {
    /* The last tile may reach further than the padding; less of that than
     * others want makes two layouts of one. */
    int64_t last = winograd_places(&plan, (int)axis) * plan.stride[axis] -
                   plan.before[axis];
    int64_t past = last - value_dim(node->inputs[0], 2 + axis);
    out->before[2 + axis] = plan.before[axis] > 0 ? plan.before[axis] : 0;
    int64_t after = plan.is_transposed ? 0 : plan.window.after[axis];
    out->after[2 + axis] = past > after ? past : after;
  }
}

size_t winograd_stage_index(const struct winograd_plan *plan,
                            enum winograd_stage stage) {
  return (size_t)stage - !plan->gathers;
}

/* ---- Phases -------------------------------------------------------------- */
/* One of `count[0]` by `count[1]` phases, numbered by rows. */
static void split_phase(struct expr_pool *pool, const int64_t *count,
                        const struct expr *both, const struct expr **phase) {
  const struct expr *wide = expr_index(pool, count[1]);
  phase[0] = expr_floor_div(pool, both, wide);
  phase[1] = expr_floor_mod(pool, both, wide);
}

/* The input's channel and phase that are lane `ci` of the products' block `c`:
 * all phases of a channel (or of a block of channels) one after the other. */
struct source {
  const struct expr *block, *channel, *phase[2];
};
static struct source source_of(struct expr_pool *pool,
                               const struct winograd_plan *plan,
                               const struct expr *c, const struct expr *ci) {
  const struct expr *block = expr_index(pool, plan->block);
  const struct expr *phases = expr_index(pool, plan->in_phases);
  const struct expr *number =
      plan->gathers ? expr_add(pool, expr_mul(pool, c, block), ci) : c;
  struct source source;
  split_phase(pool, plan->stride, expr_floor_mod(pool, number, phases),
              source.phase);
  source.block = source.channel = expr_floor_div(pool, number, phases);
  if (!plan->gathers)
    source.channel = expr_add(pool, expr_mul(pool, source.block, block), ci);
  return source;
}

/* Row or column `at` of a phase, in the input. */
static const struct expr *in_input(struct expr_pool *pool,
                                   const struct winograd_plan *plan, int axis,
                                   const struct expr *at,
                                   const struct expr *phase) {
  const struct expr *padded = expr_add(
      pool, expr_mul(pool, at, expr_index(pool, plan->stride[axis])), phase);
  return expr_sub(pool, padded, expr_index(pool, plan->before[axis]));
}

/* ---- Weights ------------------------------------------------------------- */
/* Of an input channel for output channel `k`, [K, C, R, S], at a tap of a
 * phase; of a transposed one [C, K, R, S], whose first tap is that of the first
 * input, which is the last to get there. */
static const struct expr *
load_tap(struct expr_pool *pool, const struct winograd_plan *plan,
         struct buffer *source, const struct source *from, const struct expr *k,
         const struct expr *const *out_phase, const int *tap) {
  const struct expr *at[2];
  for (int axis = 0; axis < 2; axis++)
    at[axis] =
        expr_index(pool, plan->is_transposed ? plan->taps[axis] - 1 - tap[axis]
                                             : tap[axis]);
  return plan->is_transposed
             ? window2d_phase_weight(pool, &plan->window, source, from->channel,
                                     k, out_phase, at)
             : window2d_phase_weight(pool, &plan->window, source, k,
                                     from->channel, from->phase, at);
}

/* packed[u, v, k, c, ci, lane], where k counts blocks of all phases. */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct winograd_plan *plan = context;
  const struct winograd_transform *y = &plan->transform[0],
                                  *x = &plan->transform[1];
  const struct expr *block = expr_index(pool, plan->block);
  const struct expr *phases =
      expr_index(pool, plan->product_blocks / plan->out_blocks);
  const struct expr *phase[2];
  split_phase(pool, plan->phases, expr_floor_mod(pool, axes[2], phases), phase);
  struct source from = source_of(pool, plan, axes[3], axes[4]);
  const struct expr *k = expr_add(
      pool, expr_mul(pool, expr_floor_div(pool, axes[2], phases), block),
      axes[5]);
  const struct expr *zero = expr_constant(pool, source->dtype, 0), *sum = zero;
  for (int r = 0; r < y->kernel; r++) {
    const struct expr *row = zero;
    for (int s = 0; s < x->kernel; s++)
      row = expr_add(
          pool, row,
          expr_mul(
              pool, winograd_coefficient(pool, &x->weight, axes[1], s),
              load_tap(pool, plan, source, &from, k, phase, (int[]){r, s})));
    sum = expr_add(pool, sum,
                   expr_mul(pool,
                            winograd_coefficient(pool, &y->weight, axes[0], r),
                            row));
  }
  const struct window2d *window = &plan->window;
  const struct expr *exists = expr_and(
      pool, expr_less(pool, k, expr_index(pool, window->out_channels)),
      expr_less(pool, from.channel, expr_index(pool, window->in_channels)));
  return expr_select(pool, exists, sum, zero);
}

/* ---- Stages -------------------------------------------------------------- */
struct winograd {
  struct builder *builder;
  struct winograd_plan plan;
  const struct expr *positions, *in_blocks, *product_blocks, *block;
  const struct expr *reach[2], *tile[2]; /* along y and x */
};

/* The points of one position are written one after the other, each into a plane
 * of its own: positions that nobody uses behind those of a plane, so that
 * planes do not lie a power of two apart and in the same sets of a cache. */
static int64_t plane_padding(const struct winograd_plan *plan,
                             int64_t positions, int64_t blocks) {
  int64_t points = winograd_points(plan);
  int64_t position_bytes = (blocks + 1) * plan->block * 4;
  int64_t most = positions / 8;
  return placement_padding(positions * position_bytes, position_bytes,
                           most < 7 ? most : 7, points);
}

/* What one step hands to the next: memory of the kernel where steps are the
 * whole image's, else of a worker. A block that nobody uses lies between the
 * channels of two positions as well. */
static struct buffer *handed_on(struct winograd *w, const char *name,
                                const struct expr *const *shape, size_t rank) {
  static const int64_t none[LOOP_MAX_RANK];
  int64_t after[LOOP_MAX_RANK] = {0};
  int64_t blocks = 1,
          positions = w->plan.tiles[1] *
                      (w->plan.rows ? w->plan.rows : w->plan.tiles[0]) *
                      (w->plan.batch > 0 ? w->plan.batch : 1);
  expr_get_integer(shape[3], &blocks);
  after[2] = plane_padding(&w->plan, positions, blocks);
  after[3] = 1;
  struct builder *builder = w->builder;
  struct buffer *buffer = buffer_new_halo(
      builder->pool, builder_name(builder, name), ADZE_F32,
      w->plan.rows ? BUFFER_STACK : BUFFER_ARGUMENT, shape, rank, none, after);
  if (!w->plan.rows)
    builder_add_temporary(builder, buffer);
  return buffer;
}

static struct buffer *local_buffer(struct winograd *w, const char *name,
                                   const struct expr *const *shape,
                                   size_t rank) {
  return buffer_new(w->builder->pool, builder_name(w->builder, name), ADZE_F32,
                    BUFFER_STACK, shape, rank);
}

/* The row or column `inside` the tile, in its phase of the input. */
static const struct expr *tile_position(struct winograd *w, int axis,
                                        const struct expr *tile,
                                        const struct expr *inside) {
  struct expr_pool *pool = w->builder->pool;
  int64_t step = winograd_step(&w->plan, axis);
  const struct expr *each = expr_index(pool, w->plan.tiles[axis] / step);
  const struct winograd_transform *t = &w->plan.transform[axis];
  const struct expr *start = expr_mul(pool, expr_floor_mod(pool, tile, each),
                                      expr_index(pool, t->tile * t->stride));
  return expr_add(
      pool,
      expr_mul(pool, expr_add(pool, start, inside), expr_index(pool, step)),
      expr_floor_div(pool, tile, each));
}

/* The other way round: where the output's row or column `at` is computed. */
struct place {
  const struct expr *phase, *tile, *inside;
};
static struct place place_of(struct winograd *w, int axis,
                             const struct expr *at) {
  struct expr_pool *pool = w->builder->pool;
  int64_t step = winograd_step(&w->plan, axis);
  const struct expr *each = expr_index(pool, w->plan.tiles[axis] / step);
  const struct expr *phases = expr_index(pool, w->plan.phases[axis]);
  at = expr_add(pool, at, expr_index(pool, w->plan.shift[axis]));
  const struct expr *in_phase = expr_floor_div(pool, at, phases);
  struct place place = {.phase = expr_floor_mod(pool, at, phases),
                        .tile = expr_floor_div(pool, in_phase, w->tile[axis]),
                        .inside =
                            expr_floor_mod(pool, in_phase, w->tile[axis])};
  if (!w->plan.is_transposed)
    place.tile = expr_add(pool, expr_mul(pool, place.phase, each), place.tile);
  return place;
}

/* The phases of a plain input in blocks: [n, c, y, x, ci]. */
static struct buffer *phases_stage(struct winograd *w, struct buffer *in) {
  struct expr_pool *pool = w->builder->pool;
  const struct winograd_plan *plan = &w->plan;
  const struct expr *a[5];
  const struct expr *shape[5] = {
      in->shape[0], w->in_blocks, expr_index(pool, winograd_places(plan, 0)),
      expr_index(pool, winograd_places(plan, 1)), w->block};
  struct buffer *phases = buffer_new(pool, builder_name(w->builder, "phases"),
                                     ADZE_F32, BUFFER_ARGUMENT, shape, 5);
  builder_add_temporary(w->builder, phases);
  struct stage *stage = builder_add_stage(w->builder, phases, a);
  struct source from = source_of(pool, plan, a[1], a[4]);
  const struct expr *at[4] = {a[0], from.channel,
                              in_input(pool, plan, 0, a[2], from.phase[0]),
                              in_input(pool, plan, 1, a[3], from.phase[1])};
  stage->body = expr_select(
      pool,
      expr_less(pool, from.channel, expr_index(pool, plan->window.in_channels)),
      expr_load(pool, in, at, 4), expr_constant(pool, ADZE_F32, 0));
  return phases;
}

static struct buffer *input_stages(struct winograd *w, struct buffer *in) {
  struct expr_pool *pool = w->builder->pool;
  const struct winograd_matrix *along_y = &w->plan.transform[0].input;
  const struct winograd_matrix *along_x = &w->plan.transform[1].input;
  const struct expr *a[5], *terms[WINOGRAD_MOST];
  const struct expr *rows_shape[5] = {w->positions, w->in_blocks, w->reach[0],
                                      w->reach[1], w->block};
  const struct expr *ty_count = expr_index(pool, w->plan.tiles[0]);
  const struct expr *tx_count = expr_index(pool, w->plan.tiles[1]);
  struct stage *rows =
      builder_add_stage(w->builder, local_buffer(w, "rows", rows_shape, 5), a);
  const struct expr *row = expr_floor_div(pool, a[0], tx_count);
  const struct expr *tx = expr_floor_mod(pool, a[0], tx_count);
  const struct expr *ty = expr_floor_mod(pool, row, ty_count);
  const struct expr *n = expr_floor_div(pool, row, ty_count);
  struct source from = source_of(pool, &w->plan, a[1], a[4]);
  for (int i = 0; i < along_y->columns; i++) {
    const struct expr *at[5] = {n, a[1],
                                tile_position(w, 0, ty, expr_index(pool, i)),
                                tile_position(w, 1, tx, a[3]), a[4]};
    if (!w->plan.gathers) {
      at[1] = from.block;
      at[2] = in_input(pool, &w->plan, 0, at[2], from.phase[0]);
      at[3] = in_input(pool, &w->plan, 1, at[3], from.phase[1]);
    }
    terms[i] = expr_load(pool, in, at, 5);
  }
  rows->body = winograd_row(pool, along_y, a[2], terms);
  const struct expr *spread_shape[5] = {w->reach[0], w->reach[1], w->positions,
                                        w->in_blocks, w->block};
  struct stage *spread =
      builder_add_stage(w->builder, handed_on(w, "spread", spread_shape, 5), a);
  for (int j = 0; j < along_x->columns; j++) {
    const struct expr *at[5] = {a[2], a[3], a[0], expr_index(pool, j), a[4]};
    terms[j] = expr_load(pool, rows->output, at, 5);
  }
  spread->body = winograd_row(pool, along_x, a[1], terms);
  return spread->output;
}

static struct buffer *product_stage(struct winograd *w, struct buffer *spread,
                                    struct buffer *weights) {
  struct expr_pool *pool = w->builder->pool;
  const struct expr *a[5];
  const struct expr *shape[5] = {w->reach[0], w->reach[1], w->positions,
                                 w->product_blocks, w->block};
  struct stage *stage =
      builder_add_stage(w->builder, handed_on(w, "product", shape, 5), a);
  const struct expr *c, *ci;
  if (w->plan.gathers) { /* the last block need not be full */
    const struct expr *channel = builder_reduction(
        w->builder, stage, "c", expr_index(pool, w->plan.channels));
    c = expr_floor_div(pool, channel, w->block);
    ci = expr_floor_mod(pool, channel, w->block);
  } else {
    c = builder_reduction(w->builder, stage, "c", w->in_blocks);
    ci = builder_reduction(w->builder, stage, "ci", w->block);
  }
  const struct expr *at[5] = {a[0], a[1], a[2], c, ci};
  const struct expr *packed[6] = {a[0], a[1], a[3], c, ci, a[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, ADZE_F32, 0);
  stage->body = expr_mul(pool, expr_load(pool, spread, at, 5),
                         expr_load(pool, weights, packed, 6));
  return stage->output;
}

static void output_stages(struct winograd *w, const struct node *node,
                          struct buffer *product) {
  struct expr_pool *pool = w->builder->pool;
  const struct winograd_matrix *along_y = &w->plan.transform[0].output;
  const struct winograd_matrix *along_x = &w->plan.transform[1].output;
  const struct expr *a[5], *terms[WINOGRAD_MOST];
  const struct expr *columns_shape[5] = {w->positions, w->product_blocks,
                                         w->tile[0], w->reach[1], w->block};
  struct stage *columns = builder_add_stage(
      w->builder, local_buffer(w, "columns", columns_shape, 5), a);
  for (int u = 0; u < along_y->columns; u++) {
    const struct expr *at[5] = {expr_index(pool, u), a[3], a[0], a[1], a[4]};
    terms[u] = expr_load(pool, product, at, 5);
  }
  columns->body = winograd_row(pool, along_y, a[2], terms);
  struct stage *out = builder_add_stage(
      w->builder, builder_buffer(w->builder, node->outputs[0]), a);
  struct place y = place_of(w, 0, a[2]), x = place_of(w, 1, a[3]);
  const struct expr *row = expr_add(
      pool, expr_mul(pool, a[0], expr_index(pool, w->plan.tiles[0])), y.tile);
  const struct expr *position = expr_add(
      pool, expr_mul(pool, row, expr_index(pool, w->plan.tiles[1])), x.tile);
  const struct expr *k = a[1];
  if (w->plan.is_transposed) {
    const struct expr *phase = expr_add(
        pool, expr_mul(pool, y.phase, expr_index(pool, w->plan.phases[1])),
        x.phase);
    int64_t phases = w->plan.product_blocks / w->plan.out_blocks;
    k = expr_add(pool, expr_mul(pool, k, expr_index(pool, phases)), phase);
  }
  for (int v = 0; v < along_x->columns; v++) {
    const struct expr *at[5] = {position, k, y.inside, expr_index(pool, v),
                                a[4]};
    terms[v] = expr_load(pool, columns->output, at, 5);
  }
  out->body = window2d_add_bias(w->builder, node,
                                winograd_row(pool, along_x, x.inside, terms),
                                a[1], a[4]);
}

enum adze_status winograd_express(struct builder *builder) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  struct winograd w = {.builder = builder, .plan = winograd_plan_of(builder)};
  w.positions = simplify(
      pool, expr_mul(pool, node->outputs[0]->dims[0],
                     expr_index(pool, w.plan.tiles[0] * w.plan.tiles[1])));
  w.in_blocks = expr_index(pool, w.plan.in_blocks);
  w.product_blocks = expr_index(pool, w.plan.product_blocks);
  w.block = expr_index(pool, builder->block);
  for (int axis = 0; axis < 2; axis++) {
    w.reach[axis] = expr_index(pool, w.plan.transform[axis].reach);
    w.tile[axis] = expr_index(pool, w.plan.transform[axis].tile);
  }
  const struct expr *shape[6] = {w.reach[0],  w.reach[1], w.product_blocks,
                                 w.in_blocks, w.block,    w.block};
  struct buffer *in = builder_buffer(builder, node->inputs[0]);
  struct buffer *weights = builder_pack(builder, node->inputs[1], "winograd",
                                        shape, 6, pack_weights, &w.plan);
  if (w.plan.gathers)
    in = phases_stage(&w, in);
  struct buffer *spread = input_stages(&w, in);
  output_stages(&w, node, product_stage(&w, spread, weights));
  return ADZE_OK;
}

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
  out->blocked = true;
  window2d_halo(&plan.window, out);
  /* The last tile may reach further than the padding. */
  for (size_t axis = 0; axis < 2; axis++) {
    int64_t phases = plan.phases[axis];
    int64_t last = plan.tiles[axis] * plan.transform.tile +
                   (plan.transform.kernel - 1) * phases -
                   plan.window.before[axis];
    int64_t past = last - value_dim(node->inputs[0], 2 + axis);
    if (out->after[2 + axis] < past)
      out->after[2 + axis] = past;
  }
}

/* ---- Stages -------------------------------------------------------------- */
struct winograd {
  struct builder *builder;
  struct winograd_plan plan;
  const struct expr *positions, *in_blocks, *out_blocks, *block, *reach, *tile;
};

/* The points of one position are written one after the other, each into a plane
 * of its own. How many of them fall into the same set of a cache, of sets that
 * repeat every page? */
static int64_t lines_in_one_set(int64_t plane_bytes, int64_t points) {
  enum { LINE = 64, SETS = 64 };
  int64_t lines[SETS] = {0}, most = 0;
  for (int64_t i = 0; i < points; i++) {
    int64_t *count = &lines[i * plane_bytes / LINE % SETS];
    most = ++*count > most ? *count : most;
  }
  return most;
}

/* Positions that nobody uses behind those of a plane, so that planes do not lie
 * a power of two apart. */
static int64_t plane_padding(const struct winograd_plan *plan,
                             int64_t positions, int64_t blocks) {
  int64_t points = plan->transform.reach * plan->transform.reach;
  int64_t position_bytes = (blocks + 1) * plan->block * 4, best = 0, fewest = 0;
  for (int64_t padding = 0; padding < 8 && padding <= positions / 8;
       padding++) {
    int64_t lines =
        lines_in_one_set((positions + padding) * position_bytes, points);
    if (fewest == 0 || lines < fewest) {
      fewest = lines;
      best = padding;
    }
  }
  return best;
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

static struct stage *add_stage(struct winograd *w, struct buffer *buffer,
                               const struct expr **axes) {
  struct builder *builder = w->builder;
  struct stage *stage = builder_stage(builder, buffer);
  for (size_t i = 0; i < buffer->rank; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  vec_push(builder->arena, &builder->stages, stage);
  return stage;
}

static struct buffer *local_buffer(struct winograd *w, const char *name,
                                   const struct expr *const *shape,
                                   size_t rank) {
  return buffer_new(w->builder->pool, builder_name(w->builder, name), ADZE_F32,
                    BUFFER_STACK, shape, rank);
}

/* The input's row or column `inside` the tile. */
static const struct expr *tile_position(struct winograd *w, int axis,
                                        const struct expr *tile,
                                        const struct expr *inside) {
  struct expr_pool *pool = w->builder->pool;
  int64_t phases = w->plan.phases[axis];
  const struct expr *each = expr_index(pool, w->plan.tiles[axis] / phases);
  const struct expr *start =
      expr_mul(pool, expr_floor_mod(pool, tile, each), w->tile);
  const struct expr *position = expr_add(
      pool,
      expr_mul(pool, expr_add(pool, start, inside), expr_index(pool, phases)),
      expr_floor_div(pool, tile, each));
  return expr_sub(pool, position,
                  expr_index(pool, w->plan.window.before[axis]));
}

/* The other way round: the tile with the output's row or column `at`, and
 * where it is in it. */
static const struct expr *position_tile(struct winograd *w, int axis,
                                        const struct expr *at,
                                        const struct expr **inside) {
  struct expr_pool *pool = w->builder->pool;
  int64_t phases = w->plan.phases[axis];
  const struct expr *each = expr_index(pool, w->plan.tiles[axis] / phases);
  const struct expr *step = expr_index(pool, phases);
  const struct expr *in_phase = expr_floor_div(pool, at, step);
  *inside = expr_floor_mod(pool, in_phase, w->tile);
  return expr_add(pool, expr_mul(pool, expr_floor_mod(pool, at, step), each),
                  expr_floor_div(pool, in_phase, w->tile));
}

static struct buffer *input_stages(struct winograd *w, struct buffer *in) {
  struct expr_pool *pool = w->builder->pool;
  const struct winograd_matrix *matrix = &w->plan.transform.input;
  const struct expr *a[5], *terms[WINOGRAD_MOST];
  const struct expr *rows_shape[5] = {w->positions, w->in_blocks, w->reach,
                                      w->reach, w->block};
  const struct expr *ty_count = expr_index(pool, w->plan.tiles[0]);
  const struct expr *tx_count = expr_index(pool, w->plan.tiles[1]);
  struct stage *rows = add_stage(w, local_buffer(w, "rows", rows_shape, 5), a);
  const struct expr *row = expr_floor_div(pool, a[0], tx_count);
  const struct expr *tx = expr_floor_mod(pool, a[0], tx_count);
  const struct expr *ty = expr_floor_mod(pool, row, ty_count);
  const struct expr *n = expr_floor_div(pool, row, ty_count);
  for (int i = 0; i < matrix->columns; i++) {
    const struct expr *at[5] = {n, a[1],
                                tile_position(w, 0, ty, expr_index(pool, i)),
                                tile_position(w, 1, tx, a[3]), a[4]};
    terms[i] = expr_load(pool, in, at, 5);
  }
  rows->body = winograd_row(pool, matrix, a[2], terms);
  const struct expr *spread_shape[5] = {w->reach, w->reach, w->positions,
                                        w->in_blocks, w->block};
  struct stage *spread =
      add_stage(w, handed_on(w, "spread", spread_shape, 5), a);
  for (int j = 0; j < matrix->columns; j++) {
    const struct expr *at[5] = {a[2], a[3], a[0], expr_index(pool, j), a[4]};
    terms[j] = expr_load(pool, rows->output, at, 5);
  }
  spread->body = winograd_row(pool, matrix, a[1], terms);
  return spread->output;
}

static struct buffer *product_stage(struct winograd *w, struct buffer *spread,
                                    struct buffer *weights) {
  struct expr_pool *pool = w->builder->pool;
  const struct expr *a[5];
  const struct expr *shape[5] = {w->reach, w->reach, w->positions,
                                 w->out_blocks, w->block};
  struct stage *stage = add_stage(w, handed_on(w, "product", shape, 5), a);
  const struct expr *c =
      builder_reduction(w->builder, stage, "c", w->in_blocks);
  const struct expr *ci = builder_reduction(w->builder, stage, "ci", w->block);
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
  const struct winograd_matrix *matrix = &w->plan.transform.output;
  const struct expr *a[5], *terms[WINOGRAD_MOST];
  const struct expr *columns_shape[5] = {w->positions, w->out_blocks, w->tile,
                                         w->reach, w->block};
  struct stage *columns =
      add_stage(w, local_buffer(w, "columns", columns_shape, 5), a);
  for (int u = 0; u < matrix->columns; u++) {
    const struct expr *at[5] = {expr_index(pool, u), a[3], a[0], a[1], a[4]};
    terms[u] = expr_load(pool, product, at, 5);
  }
  columns->body = winograd_row(pool, matrix, a[2], terms);
  struct stage *out =
      add_stage(w, builder_buffer(w->builder, node->outputs[0]), a);
  const struct expr *inside[2], *ty = position_tile(w, 0, a[2], &inside[0]),
                                *tx = position_tile(w, 1, a[3], &inside[1]);
  const struct expr *row = expr_add(
      pool, expr_mul(pool, a[0], expr_index(pool, w->plan.tiles[0])), ty);
  const struct expr *position = expr_add(
      pool, expr_mul(pool, row, expr_index(pool, w->plan.tiles[1])), tx);
  for (int v = 0; v < matrix->columns; v++) {
    const struct expr *at[5] = {position, a[1], inside[0], expr_index(pool, v),
                                a[4]};
    terms[v] = expr_load(pool, columns->output, at, 5);
  }
  out->body = window2d_add_bias(w->builder, node,
                                winograd_row(pool, matrix, inside[1], terms),
                                a[1], a[4]);
}

enum adze_status winograd_express(struct builder *builder,
                                  winograd_packing *pack) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  struct winograd w = {.builder = builder, .plan = winograd_plan_of(builder)};
  w.positions = simplify(
      pool, expr_mul(pool, node->outputs[0]->dims[0],
                     expr_index(pool, w.plan.tiles[0] * w.plan.tiles[1])));
  w.in_blocks = expr_index(pool, w.plan.in_blocks);
  w.out_blocks = expr_index(pool, w.plan.out_blocks);
  w.block = expr_index(pool, builder->block);
  w.reach = expr_index(pool, w.plan.transform.reach);
  w.tile = expr_index(pool, w.plan.transform.tile);
  const struct expr *shape[6] = {w.reach,     w.reach, w.out_blocks,
                                 w.in_blocks, w.block, w.block};
  struct buffer *in = builder_buffer(builder, node->inputs[0]);
  struct buffer *weights = builder_pack(builder, node->inputs[1], "winograd",
                                        shape, 6, pack, &w.plan);
  struct buffer *spread = input_stages(&w, in);
  output_stages(&w, node, product_stage(&w, spread, weights));
  return ADZE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd convolution on channel blocks: F(4x4, 3x3) multiplies 36 times where
 * direct convolution of a 4x4 tile of outputs does 144 times.
 *
 *   p            the tile: (n*TY + ty)*TX + tx
 *   i j          row and column in a tile of M x M outputs, or of its inputs
 *   u v          in the transformed tile
 *
 *   rows[p,c,u,j,ci]  = sum(i) BT[u,i] in[n,c,M*ty+i,M*tx+j,ci]
 *   spread[u,v,p,c,ci] = sum(j) BT[v,j] rows[p,c,u,j,ci]
 *   product[u,v,p,k,lane] = sum(c,ci) spread[u,v,p,c,ci]
 *                                     * packed[u,v,k,c,ci,lane]
 *   columns[p,k,i,v,lane] = sum(u) AT[i,u] product[u,v,p,k,lane]
 *   out[n,k,y,x,lane] = bias + sum(v) AT[x mod M,v]
 *                     * columns[p(n, y div M, x div M), k, y mod M, v, lane]
 *
 * The sums with constant matrices are written out row by row, since most of
 * their terms vanish; the row in use is chosen by comparing an index, which
 * unrolling decides (winograd_transform.c).
 *
 * winograd_plan.c chooses M and the way through the image. In rows: a worker
 * transforms some rows of tiles, then multiplies them with the weights of some
 * output channels at a time and transforms the products back; what is in flight
 * stays in its L2 cache, and the weights pass by once for each such block of
 * rows. In steps: all workers transform the whole image, then multiply, so that
 * all weights pass by once, then transform back.
 */
#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/tile.h"
#include "schedule/winograd_plan.h"

enum { KNOB_ROWS, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_PANEL, KNOB_UNROLL };

static struct winograd_plan plan_of(const struct builder *builder) {
  struct winograd_plan plan;
  const char *reason;
  bool applies =
      winograd_plan_make(builder->machine, builder->block,
                         builder->group->nodes.data[0], &plan, &reason);
  check(applies);
  return plan;
}

/* ---- Match --------------------------------------------------------------- */
static size_t winograd_match(struct match_query *query, struct node *node,
                             struct node **nodes, size_t capacity) {
  struct winograd_plan plan;
  const char *reason = NULL;
  if (!query->winograd)
    return match_decline(query, "--no-winograd was given");
  if (capacity < 1 ||
      !winograd_plan_make(query->machine, query->block, node, &plan, &reason))
    return match_decline(query, reason);
  nodes[0] = node;
  return 1;
}

static void winograd_demand(const struct match_query *query,
                            const struct group *group, const struct node *node,
                            size_t input, struct demand *out) {
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
    int64_t last = plan.tiles[axis] * plan.transform.tile +
                   plan.transform.kernel - 1 - plan.window.before[axis];
    int64_t past = last - value_dim(node->inputs[0], 2 + axis);
    if (out->after[2 + axis] < past)
      out->after[2 + axis] = past;
  }
}

/* ---- Stages -------------------------------------------------------------- */
/* packed[u, v, k, c, ci, lane] */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct winograd_plan *plan = context;
  const struct winograd_matrix *matrix = &plan->transform.weight;
  const struct expr *block = expr_index(pool, plan->block);
  const struct expr *zero = expr_constant(pool, source->dtype, 0), *sum = zero;
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[2], block), axes[5]);
  const struct expr *c =
      expr_add(pool, expr_mul(pool, axes[3], block), axes[4]);
  for (int r = 0; r < plan->transform.kernel; r++) {
    const struct expr *row = zero;
    for (int s = 0; s < plan->transform.kernel; s++) {
      const struct expr *at[4] = {k, c, expr_index(pool, r),
                                  expr_index(pool, s)};
      row = expr_add(pool, row,
                     expr_mul(pool,
                              winograd_coefficient(pool, matrix, axes[1], s),
                              expr_load(pool, source, at, 4)));
    }
    sum = expr_add(
        pool, sum,
        expr_mul(pool, winograd_coefficient(pool, matrix, axes[0], r), row));
  }
  const struct expr *exists = expr_and(
      pool, expr_less(pool, k, expr_index(pool, plan->window.out_channels)),
      expr_less(pool, c, expr_index(pool, plan->window.in_channels)));
  return expr_select(pool, exists, sum, zero);
}

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
  return expr_sub(pool, expr_add(pool, expr_mul(pool, tile, w->tile), inside),
                  expr_index(pool, w->plan.window.before[axis]));
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
  const struct expr *row =
      expr_add(pool, expr_mul(pool, a[0], expr_index(pool, w->plan.tiles[0])),
               expr_floor_div(pool, a[2], w->tile));
  const struct expr *position =
      expr_add(pool, expr_mul(pool, row, expr_index(pool, w->plan.tiles[1])),
               expr_floor_div(pool, a[3], w->tile));
  for (int v = 0; v < matrix->columns; v++) {
    const struct expr *at[5] = {position, a[1],
                                expr_floor_mod(pool, a[2], w->tile),
                                expr_index(pool, v), a[4]};
    terms[v] = expr_load(pool, columns->output, at, 5);
  }
  out->body = window2d_add_bias(
      w->builder, node,
      winograd_row(pool, matrix, expr_floor_mod(pool, a[3], w->tile), terms),
      a[1], a[4]);
}

static enum adze_status winograd_express(struct builder *builder) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  struct winograd w = {.builder = builder, .plan = plan_of(builder)};
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
                                        shape, 6, pack_weights, &w.plan);
  struct buffer *spread = input_stages(&w, in);
  output_stages(&w, node, product_stage(&w, spread, weights));
  return ADZE_OK;
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const winograd_knobs[] = {"rows",  "columns", "blocks",
                                             "panel", "unroll",  NULL};

static size_t winograd_space(const struct builder *builder, size_t knob,
                             int64_t *values, size_t capacity) {
  if (knob != KNOB_ROWS && knob != KNOB_PANEL)
    return tile_space(builder,
                      knob == KNOB_COLUMNS  ? TILE_COLUMNS
                      : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                            : TILE_UNROLL,
                      values, capacity);
  struct winograd_plan plan = plan_of(builder);
  size_t count = 0;
  if (knob == KNOB_PANEL) {
    for (int64_t v = 1; v <= plan.out_blocks && count < capacity; v++)
      if (plan.out_blocks % v == 0)
        values[count++] = v;
    return count;
  }
  if (plan.rows == 0)
    values[count++] = 0;
  for (int64_t rows = 1; plan.rows && rows <= plan.tiles[0] && count < capacity;
       rows++)
    if (plan.tiles[0] % rows == 0)
      values[count++] = rows;
  return count;
}

/* Channels that share the transformed tiles which they fetch: those whose
 * weights, for one point, stay in half of the L2 cache; 1 where all tiles stay
 * in the L1 cache, so that weights should be what is fetched once. */
static int64_t panel_choose(const struct builder *builder,
                            const struct winograd_plan *plan, int64_t blocks,
                            int64_t positions) {
  const struct machine *machine = builder->machine;
  int64_t tiles = plan->out_blocks / blocks;
  int64_t point_bytes = plan->in_blocks * plan->block * 4;
  if (positions * point_bytes <= machine->l1_bytes / 2)
    return 1;
  int64_t panel = machine->l2_bytes / 2 / (point_bytes * blocks * plan->block);
  panel = panel < tiles ? panel : tiles;
  while (panel > 1 && tiles % panel != 0)
    panel--;
  return panel < 1 ? 1 : panel;
}

static void winograd_choose(const struct builder *builder, int64_t *knobs) {
  struct winograd_plan plan = plan_of(builder);
  int64_t together =
      plan.tiles[1] * (plan.rows ? plan.rows : plan.tiles[0] * plan.batch);
  struct tile tile = tile_choose(builder->machine, together ? together : -1,
                                 plan.out_blocks, TILE_MOST_BLOCKS);
  knobs[KNOB_ROWS] = plan.rows;
  knobs[KNOB_COLUMNS] = tile.columns;
  knobs[KNOB_BLOCKS] = tile.blocks;
  knobs[KNOB_PANEL] =
      plan.rows ? 1 : panel_choose(builder, &plan, tile.blocks, together);
  knobs[KNOB_UNROLL] = 4;
}

/* ---- Schedule ------------------------------------------------------------ */
static struct statement *block_of(struct schedule *schedule,
                                  const struct stage *stage) {
  return schedule_block(schedule, stage->name, BLOCK_WHOLE);
}

static enum adze_status unroll_all(struct schedule *schedule,
                                   struct statement **loops, size_t count) {
  for (size_t i = 0; i < count; i++)
    TRY(schedule_unroll(schedule, loops[i]));
  return ADZE_OK;
}

/* A transform's first half, in registers, in the innermost loop around its
 * second half: the second index outside, so that the rows of the matrix share
 * what they load and compute. */
static enum adze_status schedule_half(struct schedule *schedule,
                                      const struct stage *half,
                                      struct statement *at) {
  struct statement *loops[LOOP_MAX_RANK], *block = block_of(schedule, half);
  TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
  TRY(schedule_compute_at(schedule, block, at));
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  struct statement *swapped[] = {loops[count - 2], loops[count - 3]};
  TRY(schedule_reorder(schedule, swapped, 2));
  TRY(unroll_all(schedule, &loops[count - 3], 2));
  return schedule_vectorize(schedule, loops[count - 1]);
}

/* The input's transform; loops from `first` on are u, v, p, c (those of extent
 * 1 may be absent) and the lane. `parallel` gets the outermost. */
static enum adze_status schedule_input(struct builder *builder,
                                       struct schedule *schedule,
                                       struct statement **loops, size_t first,
                                       size_t count, struct statement *around,
                                       struct statement **outermost) {
  struct statement *order[LOOP_MAX_RANK];
  size_t middle = count - first - 3, n = 0;
  for (size_t i = 0; i < middle; i++)
    order[n++] = loops[first + 2 + i];
  order[n++] = loops[first];
  order[n++] = loops[first + 1];
  order[n++] = loops[count - 1];
  TRY(schedule_reorder(schedule, order, n));
  *outermost = order[0];
  TRY(schedule_half(schedule, builder->stages.data[0],
                    middle > 0 ? order[middle - 1] : around));
  TRY(unroll_all(schedule, &order[middle], 2));
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

/* The output's transform below `k_inner`, around which the tile's i and j. */
static enum adze_status
schedule_output(struct builder *builder, struct schedule *schedule,
                struct statement *k_inner, struct statement *i,
                struct statement *j, struct statement *lane) {
  TRY(schedule_half(schedule, builder->stages.data[3], k_inner));
  TRY(schedule_unroll(schedule, i));
  TRY(schedule_unroll(schedule, j));
  return schedule_vectorize(schedule, lane);
}

static size_t loops_of(struct schedule *schedule, struct statement *block,
                       struct statement **loops) {
  return schedule_loops_around(schedule, block, loops, LOOP_MAX_RANK);
}

static size_t behind(struct statement *const *loops,
                     const struct statement *at) {
  size_t first = 0;
  while (loops[first] != at)
    first++;
  return first + 1;
}

static enum adze_status apply_rows(struct builder *builder,
                                   struct schedule *schedule,
                                   struct statement *last, int64_t tile,
                                   const int64_t *knobs) {
  struct statement *loops[LOOP_MAX_RANK], *k, *k_inner, *y, *i, *rows, *row, *x,
      *j, *block, *copy, *first;
  check(loops_of(schedule, last, loops) == 5);
  struct statement *lane = loops[4];
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[2], tile, &y, &i));
  TRY(schedule_split(schedule, y, knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], tile, &x, &j));
  TRY(schedule_partition(schedule, x));
  struct statement *outer[] = {loops[0], rows};
  struct statement *order[] = {loops[0], rows, k, row, x, k_inner, i, j, lane};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(schedule_output(builder, schedule, k_inner, i, j, lane));
  block = block_of(schedule, builder->stages.data[2]);
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
  block = block_of(schedule, builder->stages.data[1]);
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, rows));
  count = loops_of(schedule, block, loops);
  TRY(schedule_input(builder, schedule, loops, behind(loops, rows), count, rows,
                     &first));
  return common_parallel(schedule, outer, ARRAY_COUNT(outer));
}

static enum adze_status apply_steps(struct builder *builder,
                                    struct schedule *schedule,
                                    struct statement *last, int64_t tile,
                                    const int64_t *knobs) {
  struct statement *loops[LOOP_MAX_RANK], *y, *i, *x, *j, *block, *copy, *first;
  block = block_of(schedule, builder->stages.data[1]);
  size_t count = loops_of(schedule, block, loops);
  TRY(schedule_input(builder, schedule, loops, 0, count, NULL, &first));
  TRY(schedule_parallel(schedule, first));

  block = block_of(schedule, builder->stages.data[2]);
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  check(loops_of(schedule, copy, loops) == 5);
  struct product_loops l = {
      .u = loops[0], .v = loops[1], .position = loops[2], .lane = loops[4]};
  TRY(schedule_split(schedule, loops[3], knobs[KNOB_BLOCKS], &l.k, &l.k_inner));
  TRY(schedule_split(schedule, l.k, knobs[KNOB_PANEL], &l.panel, &l.k));
  TRY(schedule_product_tile(builder, schedule, block, &l, knobs));
  struct statement *products[] = {l.u, l.v, l.panel};
  TRY(common_parallel(schedule, products, ARRAY_COUNT(products)));

  check(loops_of(schedule, last, loops) == 5);
  TRY(schedule_split(schedule, loops[2], tile, &y, &i));
  TRY(schedule_split(schedule, loops[3], tile, &x, &j));
  TRY(schedule_partition(schedule, x));
  struct statement *order[] = {loops[0], loops[1], y, x, i, j, loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  TRY(schedule_output(builder, schedule, x, i, j, loops[4]));
  return common_parallel(schedule, order, 3);
}

static enum adze_status winograd_apply(struct builder *builder,
                                       struct schedule *schedule,
                                       const int64_t *knobs) {
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  int64_t tile = plan_of(builder).transform.tile;
  for (size_t s = 4; s + 1 < builder->stages.count; s++)
    TRY(schedule_compute_inline(schedule,
                                block_of(schedule, builder->stages.data[s])));
  struct statement *block = block_of(schedule, last);
  return knobs[KNOB_ROWS] ? apply_rows(builder, schedule, block, tile, knobs)
                          : apply_steps(builder, schedule, block, tile, knobs);
}

const struct template template_conv_winograd = {
    .name = "conv_winograd",
    .summary = "3x3, 5x5, 7x7 convolution of stride 1 by Winograd's algorithm",
    .output_blocked = true,
    .match = winograd_match,
    .demand = winograd_demand,
    .express = winograd_express,
    .knobs = winograd_knobs,
    .space = winograd_space,
    .choose = winograd_choose,
    .apply = winograd_apply,
};

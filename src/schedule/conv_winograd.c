/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd convolution F(4x4, 3x3) on channel blocks: 36 multiplications where
 * direct convolution of a 4x4 tile of outputs has 144.
 *
 *   ty tx        the tile: outputs 4*ty … 4*ty+3, inputs 4*ty … 4*ty+5
 *   i j          row and column in a tile; u v: in the transformed tile
 *
 *   rows[n,ty,tx,c,u,j,ci] = sum(i) BT[u,i] in[n,c,4*ty+i,4*tx+j,ci]
 *   spread[u,v,n,ty,tx,c,ci] = sum(j) BT[v,j] rows[n,ty,tx,c,u,j,ci]
 *   product[u,v,n,ty,tx,k,lane] = sum(c,ci) spread[u,v,n,ty,tx,c,ci]
 *                                  * packed[u,v,k,c,ci,lane]
 *   columns[n,k,ty,tx,i,v,lane] = sum(u) AT[i,u] product[u,v,n,ty,tx,k,lane]
 *   out[n,k,y,x,lane] = bias + sum(v) AT[x mod 4,v]
 *                                     columns[n,k,y div 4,x div 4,y mod 4,v]
 *
 * After A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (2016), with the points 0, ±√½, ±√2 and infinity, whose rounding
 * error is a third of that of 0, ±1, ±2. The sums with constant matrices are
 * written out row by row, since most of their terms vanish; the row in use is
 * chosen by comparing an index, which unrolling decides.
 *
 * Some rows of tiles are transformed at a time, and then multiplied with the
 * weights of some output channels at a time: what is in flight stays in the L2
 * cache, and the weights pass by once for every such block of rows.
 */
#include <math.h>

#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/tile.h"
#include "schedule/window.h"

enum { TILE = 4, REACH = 6, KERNEL = 3, POINTS = 5 };
enum { KNOB_ROWS, KNOB_COLUMNS, KNOB_BLOCKS, KNOB_UNROLL };

/* ---- The transforms ------------------------------------------------------ */
struct transforms {
  double output[TILE][REACH];   /* AT */
  double weight[REACH][KERNEL]; /* G */
  double input[REACH][REACH];   /* BT */
};

/* Coefficients, rising, of the product of (x - points[l]) but for l = skip. */
static void product_of_roots(const double *points, int skip, double *out) {
  int degree = 0;
  for (int i = 0; i < REACH; i++)
    out[i] = i == 0;
  for (int l = 0; l < POINTS; l++) {
    if (l == skip)
      continue;
    degree++;
    for (int i = degree; i >= 0; i--)
      out[i] = (i > 0 ? out[i - 1] : 0) - points[l] * out[i];
  }
}

/* What is zero but for rounding, is zero. */
static double cleaned(double value) { return fabs(value) < 1e-12 ? 0 : value; }

static void make_transforms(struct transforms *t) {
  const double points[POINTS] = {0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2)};
  for (int u = 0; u < POINTS; u++) {
    double scale = 1;
    for (int l = 0; l < POINTS; l++)
      scale *= l == u ? 1 : points[u] - points[l];
    for (int i = 0; i < TILE; i++)
      t->output[i][u] = cleaned(pow(points[u], i));
    for (int r = 0; r < KERNEL; r++)
      t->weight[u][r] = cleaned(pow(points[u], r) / scale);
    product_of_roots(points, u, t->input[u]);
  }
  for (int i = 0; i < TILE; i++)
    t->output[i][POINTS] = i == TILE - 1;
  for (int r = 0; r < KERNEL; r++)
    t->weight[POINTS][r] = r == KERNEL - 1;
  product_of_roots(points, -1, t->input[POINTS]);
  for (int u = 0; u < REACH; u++)
    for (int i = 0; i < REACH; i++)
      t->input[u][i] = cleaned(t->input[u][i]);
}

/* row == 0 ? sum(c) matrix[0][c]*terms[c] : row == 1 ? … */
static const struct expr *matrix_row(struct expr_pool *pool,
                                     const double *matrix, int rows,
                                     int columns, const struct expr *row,
                                     const struct expr *const *terms) {
  const struct expr *result = NULL;
  for (int r = rows - 1; r >= 0; r--) {
    const struct expr *sum = NULL;
    for (int c = 0; c < columns; c++) {
      double factor = matrix[r * columns + c];
      if (factor == 0)
        continue;
      const struct expr *term = terms[c];
      if (factor != 1)
        term = expr_mul(pool, term, expr_constant(pool, term->dtype, factor));
      sum = sum ? expr_add(pool, sum, term) : term;
    }
    result = result
                 ? expr_select(pool, expr_equal(pool, row, expr_index(pool, r)),
                               sum, result)
                 : sum;
  }
  return result;
}

/* ---- Match --------------------------------------------------------------- */
static int64_t tiles(int64_t extent) { return ceil_div(extent, TILE); }

static bool fits(const struct window2d *window) {
  bool fit = window->groups == 1;
  for (int axis = 0; axis < 2; axis++)
    fit = fit && window->kernel[axis] == KERNEL && window->stride[axis] == 1 &&
          window->dilation[axis] == 1;
  return fit;
}

/* Cycles of the multiplications, the transforms, and the weights' way from
 * memory, against those of the direct convolution. */
static bool is_cheaper(const struct match_query *query,
                       const struct window2d *window, const struct value *out) {
  const struct machine *machine = query->machine;
  int64_t height = value_dim(out, 2), width = value_dim(out, 3);
  if (height < 1 || width < 1)
    return false; /* tiles of open extents would need conditions */
  double lanes = (double)query->block * machine->fma_per_cycle;
  double in = (double)ceil_div(window->in_channels, query->block);
  double outs = (double)ceil_div(window->out_channels, query->block);
  double positions = (double)(tiles(height) * tiles(width));
  double block = (double)query->block;
  double direct =
      (double)(height * width) * 9 * in * block * outs * block / lanes / 0.93;
  double products =
      positions * REACH * REACH * in * block * outs * block / lanes / 0.85;
  double transforms = positions * (in * 200 + outs * 170);
  double weights = in * outs * block * block * REACH * REACH * 4 /
                   machine->memory_bytes_per_cycle;
  double slower = products > weights ? products : weights;
  double direct_weights = weights / 4;
  direct = direct > direct_weights ? direct : direct_weights;
  return slower + transforms < 0.95 * direct;
}

static size_t winograd_match(struct match_query *query, struct node *node,
                             struct node **nodes, size_t capacity) {
  struct window2d window;
  if (!query->winograd)
    return match_decline(query, "--no-winograd was given");
  if (capacity < 1 || !window2d_of_conv(node, &window) || !fits(&window))
    return match_decline(query, "not a 3x3 convolution of stride 1");
  if (window.in_channels < query->block || window.out_channels < query->block)
    return match_decline(query, "fewer channels than a block");
  if (!is_cheaper(query, &window, node->outputs[0]))
    return match_decline(query, "transforms and weights cost more than the "
                                "multiplications saved");
  nodes[0] = node;
  return 1;
}

static void winograd_demand(const struct match_query *query,
                            const struct group *group, const struct node *node,
                            size_t input, struct demand *out) {
  (void)query, (void)group;
  struct window2d window;
  if (input != 0 || !window2d_of_conv(node, &window)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  window2d_halo(&window, out);
  /* The last tile may reach further than the padding. */
  for (size_t axis = 0; axis < 2; axis++) {
    int64_t last = tiles(value_dim(node->outputs[0], 2 + axis)) * TILE +
                   KERNEL - 1 - window.before[axis];
    int64_t past = last - value_dim(node->inputs[0], 2 + axis);
    if (out->after[2 + axis] < past)
      out->after[2 + axis] = past;
  }
}

/* ---- Stages -------------------------------------------------------------- */
struct packing {
  struct transforms transforms;
  int64_t block, in_channels, out_channels;
};

/* packed[u, v, k, c, ci, lane] */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[2], block), axes[5]);
  const struct expr *c =
      expr_add(pool, expr_mul(pool, axes[3], block), axes[4]);
  const struct expr *rows[KERNEL];
  for (int r = 0; r < KERNEL; r++) {
    const struct expr *taps[KERNEL];
    for (int s = 0; s < KERNEL; s++) {
      const struct expr *at[4] = {k, c, expr_index(pool, r),
                                  expr_index(pool, s)};
      taps[s] = expr_load(pool, source, at, 4);
    }
    rows[r] = matrix_row(pool, &packing->transforms.weight[0][0], REACH, KERNEL,
                         axes[1], taps);
  }
  const struct expr *exists = expr_and(
      pool, expr_less(pool, k, expr_index(pool, packing->out_channels)),
      expr_less(pool, c, expr_index(pool, packing->in_channels)));
  return expr_select(pool, exists,
                     matrix_row(pool, &packing->transforms.weight[0][0], REACH,
                                KERNEL, axes[0], rows),
                     expr_constant(pool, source->dtype, 0));
}

struct winograd {
  struct builder *builder;
  struct window2d window;
  struct packing packing;
  const struct expr *batch, *ty, *tx, *in_blocks, *out_blocks, *block, *reach;
};

static struct stage *add_stage(struct winograd *w, const char *name,
                               const struct expr *const *shape, size_t rank,
                               const struct expr **axes) {
  struct builder *builder = w->builder;
  struct buffer *buffer = buffer_new(builder->pool, builder_name(builder, name),
                                     ADZE_F32, BUFFER_STACK, shape, rank);
  struct stage *stage = builder_stage(builder, buffer);
  for (size_t i = 0; i < rank; i++)
    axes[i] = expr_variable(builder->pool, stage->axes[i]);
  vec_push(builder->arena, &builder->stages, stage);
  return stage;
}

static const struct expr *tile_position(struct winograd *w, int axis,
                                        const struct expr *tile,
                                        const struct expr *inside) {
  struct expr_pool *pool = w->builder->pool;
  return expr_sub(
      pool,
      expr_add(pool, expr_mul(pool, tile, expr_index(pool, TILE)), inside),
      expr_index(pool, w->window.before[axis]));
}

static struct buffer *input_stages(struct winograd *w, struct buffer *in) {
  struct expr_pool *pool = w->builder->pool;
  const struct expr *a[7], *terms[REACH];
  const struct expr *rows_shape[7] = {w->batch, w->ty,    w->tx,   w->in_blocks,
                                      w->reach, w->reach, w->block};
  struct stage *rows = add_stage(w, "rows", rows_shape, 7, a);
  for (int i = 0; i < REACH; i++) {
    const struct expr *at[5] = {a[0], a[3],
                                tile_position(w, 0, a[1], expr_index(pool, i)),
                                tile_position(w, 1, a[2], a[5]), a[6]};
    terms[i] = expr_load(pool, in, at, 5);
  }
  rows->body = matrix_row(pool, &w->packing.transforms.input[0][0], REACH,
                          REACH, a[4], terms);
  const struct expr *spread_shape[7] = {w->reach, w->reach,     w->batch, w->ty,
                                        w->tx,    w->in_blocks, w->block};
  struct stage *spread = add_stage(w, "spread", spread_shape, 7, a);
  for (int j = 0; j < REACH; j++) {
    const struct expr *at[7] = {
        a[2], a[3], a[4], a[5], a[0], expr_index(pool, j), a[6]};
    terms[j] = expr_load(pool, rows->output, at, 7);
  }
  spread->body = matrix_row(pool, &w->packing.transforms.input[0][0], REACH,
                            REACH, a[1], terms);
  return spread->output;
}

static struct buffer *product_stage(struct winograd *w, struct buffer *spread,
                                    struct buffer *weights) {
  struct expr_pool *pool = w->builder->pool;
  const struct expr *a[7];
  const struct expr *shape[7] = {w->reach, w->reach,      w->batch, w->ty,
                                 w->tx,    w->out_blocks, w->block};
  struct stage *stage = add_stage(w, "product", shape, 7, a);
  const struct expr *c =
      builder_reduction(w->builder, stage, "c", w->in_blocks);
  const struct expr *ci = builder_reduction(w->builder, stage, "ci", w->block);
  const struct expr *at[7] = {a[0], a[1], a[2], a[3], a[4], c, ci};
  const struct expr *packed[6] = {a[0], a[1], a[5], c, ci, a[6]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, ADZE_F32, 0);
  stage->body = expr_mul(pool, expr_load(pool, spread, at, 7),
                         expr_load(pool, weights, packed, 6));
  return stage->output;
}

static void output_stages(struct winograd *w, const struct node *node,
                          struct buffer *product) {
  struct expr_pool *pool = w->builder->pool;
  const struct expr *a[7], *terms[REACH], *tile = expr_index(pool, TILE);
  const struct expr *columns_shape[7] = {
      w->batch, w->out_blocks, w->ty, w->tx, tile, w->reach, w->block};
  struct stage *columns = add_stage(w, "columns", columns_shape, 7, a);
  for (int u = 0; u < REACH; u++) {
    const struct expr *at[7] = {
        expr_index(pool, u), a[5], a[0], a[2], a[3], a[1], a[6]};
    terms[u] = expr_load(pool, product, at, 7);
  }
  columns->body = matrix_row(pool, &w->packing.transforms.output[0][0], TILE,
                             REACH, a[4], terms);
  struct stage *out =
      builder_stage(w->builder, builder_buffer(w->builder, node->outputs[0]));
  for (size_t i = 0; i < 5; i++)
    a[i] = expr_variable(pool, out->axes[i]);
  for (int v = 0; v < REACH; v++) {
    const struct expr *at[7] = {a[0],
                                a[1],
                                expr_floor_div(pool, a[2], tile),
                                expr_floor_div(pool, a[3], tile),
                                expr_floor_mod(pool, a[2], tile),
                                expr_index(pool, v),
                                a[4]};
    terms[v] = expr_load(pool, columns->output, at, 7);
  }
  out->body = window2d_add_bias(
      w->builder, node,
      matrix_row(pool, &w->packing.transforms.output[0][0], TILE, REACH,
                 expr_floor_mod(pool, a[3], tile), terms),
      a[1], a[4]);
  vec_push(w->builder->arena, &w->builder->stages, out);
}

static enum adze_status winograd_express(struct builder *builder) {
  struct expr_pool *pool = builder->pool;
  const struct node *node = builder->group->nodes.data[0];
  const struct value *out = node->outputs[0];
  struct winograd w = {.builder = builder};
  window2d_of_conv(node, &w.window);
  make_transforms(&w.packing.transforms);
  w.packing.block = builder->block;
  w.packing.in_channels = w.window.in_channels;
  w.packing.out_channels = w.window.out_channels;
  w.batch = out->dims[0];
  w.ty = expr_index(pool, tiles(value_dim(out, 2)));
  w.tx = expr_index(pool, tiles(value_dim(out, 3)));
  w.in_blocks =
      expr_index(pool, ceil_div(w.window.in_channels, builder->block));
  w.out_blocks =
      expr_index(pool, ceil_div(w.window.out_channels, builder->block));
  w.block = expr_index(pool, builder->block);
  w.reach = expr_index(pool, REACH);
  const struct expr *shape[6] = {w.reach,     w.reach, w.out_blocks,
                                 w.in_blocks, w.block, w.block};
  struct buffer *in = builder_buffer(builder, node->inputs[0]);
  struct buffer *weights = builder_pack(builder, node->inputs[1], "winograd",
                                        shape, 6, pack_weights, &w.packing);
  struct buffer *spread = input_stages(&w, in);
  output_stages(&w, node, product_stage(&w, spread, weights));
  return ADZE_OK;
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const winograd_knobs[] = {"rows", "columns", "blocks",
                                             "unroll", NULL};

/* A register tile lies in one row of tiles or spans whole rows: only then are
 * its accumulators at constant places. */
static bool spans_rows(int64_t columns, int64_t rows, int64_t tx) {
  return tx % columns == 0 || rows == 1 ||
         (columns % tx == 0 && rows * tx % columns == 0);
}

static size_t winograd_space(const struct builder *builder, size_t knob,
                             int64_t *values, size_t capacity) {
  const struct value *out = builder->group->nodes.data[0]->outputs[0];
  int64_t ty = tiles(value_dim(out, 2)), tx = tiles(value_dim(out, 3));
  size_t count = 0, kept = 0;
  if (knob == KNOB_ROWS) {
    for (int64_t rows = 1; rows <= ty && count < capacity; rows++)
      if (ty % rows == 0)
        values[count++] = rows;
    return count;
  }
  count = tile_space(builder,
                     knob == KNOB_COLUMNS  ? TILE_COLUMNS
                     : knob == KNOB_BLOCKS ? TILE_BLOCKS
                                           : TILE_UNROLL,
                     values, capacity);
  /* Columns that fit whatever the rows are. */
  for (size_t i = 0; i < count; i++)
    if (knob != KNOB_COLUMNS || tx % values[i] == 0)
      values[kept++] = values[i];
  return kept;
}

/* Rows of tiles in flight: most of the L2 cache holds their transforms, and
 * every core gets some. A divisor, so that no block of rows is partial. */
static int64_t rows_in_flight(const struct builder *builder,
                              const struct window2d *window, int64_t ty,
                              int64_t tx) {
  int64_t row_bytes = tx * REACH * REACH * 4 *
                      (ceil_div(window->in_channels, builder->block) + 2) *
                      builder->block;
  int64_t rows = builder->machine->l2_bytes * 6 / 10 / row_bytes;
  int64_t share = ceil_div(ty, builder->machine->cores);
  if (rows > share)
    rows = share;
  while (rows > 1 && ty % rows != 0)
    rows--;
  return rows < 1 ? 1 : rows;
}

static void winograd_choose(const struct builder *builder, int64_t *knobs) {
  const struct node *node = builder->group->nodes.data[0];
  const struct value *out = node->outputs[0];
  struct window2d window;
  window2d_of_conv(node, &window);
  int64_t ty = tiles(value_dim(out, 2)), tx = tiles(value_dim(out, 3));
  knobs[KNOB_ROWS] = rows_in_flight(builder, &window, ty, tx);
  struct tile tile = tile_choose(builder->machine, knobs[KNOB_ROWS] * tx,
                                 ceil_div(value_dim(out, 1), builder->block),
                                 TILE_MOST_BLOCKS);
  knobs[KNOB_COLUMNS] = tile.columns;
  knobs[KNOB_BLOCKS] = tile.blocks;
  while (!spans_rows(knobs[KNOB_COLUMNS], knobs[KNOB_ROWS], tx))
    knobs[KNOB_COLUMNS]--;
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

/* The input's transform, in `at`: rows and columns of tiles and channels
 * outside, the tile itself unrolled. */
static enum adze_status schedule_input(struct builder *builder,
                                       struct schedule *schedule,
                                       struct statement *at) {
  const struct stage *rows = builder->stages.data[0],
                     *spread = builder->stages.data[1];
  struct statement *loops[LOOP_MAX_RANK], *block = block_of(schedule, spread);
  TRY(schedule_set_scope(schedule, block, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, block, at));
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  size_t first = 0;
  while (loops[first] != at)
    first++;
  first++;
  /* u, v, then tiles and channels (those of extent 1 have no loop), lane. */
  struct statement *order[LOOP_MAX_RANK];
  size_t middle = count - first - 3, n = 0;
  for (size_t i = 0; i < middle; i++)
    order[n++] = loops[first + 2 + i];
  order[n++] = loops[first];
  order[n++] = loops[first + 1];
  order[n++] = loops[count - 1];
  TRY(schedule_reorder(schedule, order, n));
  struct statement *inner = middle > 0 ? order[middle - 1] : at;
  struct statement *rows_block = block_of(schedule, rows);
  TRY(schedule_compute_at(schedule, rows_block, inner));
  size_t rows_count =
      schedule_loops_around(schedule, rows_block, loops, ARRAY_COUNT(loops));
  TRY(unroll_all(schedule, &loops[rows_count - 3], 2));
  TRY(schedule_vectorize(schedule, loops[rows_count - 1]));
  TRY(unroll_all(schedule, &order[middle], 2));
  return schedule_vectorize(schedule, order[n - 1]);
}

/* The 36 products, in `at`: for each, register tiles of tiles by channels. */
static enum adze_status schedule_product(struct builder *builder,
                                         struct schedule *schedule,
                                         struct statement *at,
                                         const int64_t *knobs) {
  const struct stage *product = builder->stages.data[2];
  struct statement *block = block_of(schedule, product), *copy;
  struct statement *loops[LOOP_MAX_RANK], *position, *column;
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  TRY(schedule_set_scope(schedule, copy, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, copy, at));
  size_t count =
      schedule_loops_around(schedule, copy, loops, ARRAY_COUNT(loops));
  bool has_blocks = knobs[KNOB_BLOCKS] > 1;
  size_t last_tile = count - (has_blocks ? 3 : 2);
  position = loops[last_tile];
  /* Rows and columns of tiles lie one after the other. */
  size_t first = 0;
  while (loops[first] != at)
    first++;
  if (last_tile - first == 4)
    TRY(schedule_fuse(schedule, loops[last_tile - 1], position, &position));
  TRY(schedule_split(schedule, position, knobs[KNOB_COLUMNS], &position,
                     &column));
  TRY(schedule_partition(schedule, position));
  struct reduce_plan plan = {
      .factor = knobs[KNOB_UNROLL], .lanes = builder->block, .inner_axis = 5};
  TRY(common_reduce_at(schedule, block, position, &plan));
  TRY(schedule_unroll(schedule, column));
  if (has_blocks)
    TRY(schedule_unroll(schedule, loops[count - 2]));
  return schedule_vectorize(schedule, loops[count - 1]);
}

static enum adze_status winograd_apply(struct builder *builder,
                                       struct schedule *schedule,
                                       const int64_t *knobs) {
  const struct stage *columns = builder->stages.data[3];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *loops[LOOP_MAX_RANK], *k, *k_inner, *y, *i, *rows, *row, *x,
      *j;
  for (size_t s = 4; s + 1 < builder->stages.count; s++)
    TRY(schedule_compute_inline(schedule,
                                block_of(schedule, builder->stages.data[s])));
  size_t count = schedule_loops_around(schedule, block_of(schedule, last),
                                       loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_BLOCKS], &k, &k_inner));
  TRY(schedule_split(schedule, loops[2], TILE, &y, &i));
  TRY(schedule_split(schedule, y, knobs[KNOB_ROWS], &rows, &row));
  TRY(schedule_split(schedule, loops[3], TILE, &x, &j));
  TRY(schedule_partition(schedule, x));
  struct statement *order[] = {loops[0], rows, k, row,     x,
                               k_inner,  i,    j, loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  struct statement *columns_block = block_of(schedule, columns);
  TRY(schedule_set_scope(schedule, columns_block, BUFFER_REGISTER));
  TRY(schedule_compute_at(schedule, columns_block, k_inner));
  struct statement *inner[LOOP_MAX_RANK];
  size_t inner_count =
      schedule_loops_around(schedule, columns_block, inner, ARRAY_COUNT(inner));
  TRY(unroll_all(schedule, &inner[inner_count - 3], 2));
  TRY(schedule_vectorize(schedule, inner[inner_count - 1]));
  TRY(schedule_unroll(schedule, i));
  TRY(schedule_unroll(schedule, j));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(schedule_product(builder, schedule, k, knobs));
  TRY(schedule_input(builder, schedule, rows));
  struct statement *outer[] = {loops[0], rows};
  return common_parallel(schedule, outer, ARRAY_COUNT(outer));
}

const struct template template_conv_winograd = {
    .name = "conv_winograd",
    .summary = "3x3 convolution of stride 1 as Winograd F(4x4, 3x3)",
    .output_blocked = true,
    .match = winograd_match,
    .demand = winograd_demand,
    .express = winograd_express,
    .knobs = winograd_knobs,
    .space = winograd_space,
    .choose = winograd_choose,
    .apply = winograd_apply,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution as a matrix product with gathered places, for small images with
 * many channels, where rows fill register tiles badly, or the weights of a tile
 * are more than a cache holds.
 *
 *   p            the place: (n*H + y)*W + x, which is t*T + j in tiles of T
 *   h            a chunk of C blocks of input channels; c: one of them
 *
 *   columns[h,t,c,kh,kw,j,ci] = in[n,h*C+c,y*s+kh*d-p,x*s+kw*d-p,ci]
 *   part[h,k,p,lane] = sum(c,kh,kw,ci) columns[h,t,c,kh,kw,j,ci]
 *                                      * packed[h,k,c,kh,kw,ci,lane]
 *   out[n,k,y,x,lane] = bias + sum(h) part[h,k,p,lane]
 *
 * A chunk's weights for a tile's output channels stay in the L1 cache while all
 * places pass by, in the order they lie in; so every weight comes from memory
 * once. A chunk's places stay in the L2 cache for the channels of a panel. See
 * K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
 * (2008), with packing of the places as in K. Chellapilla et al., "High
 * Performance Convolutional Neural Networks for Document Processing" (2006).
 */
#include "ir/simplify.h"
#include "schedule/common.h"
#include "schedule/im2col_plan.h"

enum { KNOB_BLOCKS, KNOB_UNROLL, KNOB_PANEL };

static struct im2col_plan plan_of(const struct builder *builder) {
  struct im2col_plan plan;
  const char *reason = im2col_plan_read(builder->machine, builder->block,
                                        builder->group->nodes.data[0], &plan);
  check(reason == NULL);
  return plan;
}

static size_t im2col_match(struct match_query *query, struct node *node,
                           struct node **nodes, size_t capacity) {
  struct im2col_plan plan;
  if (node->op != &op_conv || capacity < 1)
    return match_decline(query, "another operator");
  const char *reason =
      im2col_plan_read(query->machine, query->block, node, &plan);
  if (reason)
    return match_decline(query, reason);
  if (!im2col_plan_gains(query, node, &plan))
    return match_decline(query, "gathering places would gain too little");
  nodes[0] = node;
  return 1;
}

static void im2col_demand(const struct match_query *query,
                          const struct group *group, const struct node *node,
                          size_t input, struct demand *out) {
  (void)query;
  (void)group;
  struct window2d window;
  if (input != 0 || !window2d_of_conv(node, &window)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  window2d_halo(&window, out);
}

/* ---- Stages -------------------------------------------------------------- */
struct im2col {
  struct builder *builder;
  const struct node *node;
  struct im2col_plan plan;
};

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
      expr_index(pool, plan->window.kernel[0]),
      expr_index(pool, plan->window.kernel[1]),
      tile,
      expr_index(pool, builder->block)};
  struct buffer *columns = buffer_new(pool, builder_name(builder, "columns"),
                                      ADZE_F32, BUFFER_ARGUMENT, shape, 7);
  builder_add_temporary(builder, columns);
  struct stage *stage = builder_add_stage(builder, columns, a);
  const struct expr *width = expr_index(pool, plan->width);
  const struct expr *height = expr_index(pool, plan->height);
  const struct expr *place = expr_add(pool, expr_mul(pool, a[1], tile), a[5]);
  if (plan->places % plan->tile.columns != 0)
    place = expr_min(pool, place, expr_index(pool, plan->places - 1));
  place = simplify(pool, place);
  const struct expr *row = expr_floor_div(pool, place, width);
  const struct expr *y = expr_floor_mod(pool, row, height);
  const struct expr *x = expr_floor_mod(pool, place, width);
  const struct window2d *window = &plan->window;
  const struct expr *at[5] = {expr_floor_div(pool, row, height),
                              expr_add(pool, expr_mul(pool, a[0], chunk), a[2]),
                              window2d_position(pool, window, 0, y, a[3]),
                              window2d_position(pool, window, 1, x, a[4]),
                              a[6]};
  struct buffer *in = builder_buffer(builder, m->node->inputs[0]);
  stage->body = expr_load(pool, in, at, 5);
  return columns;
}

struct packing {
  struct im2col_plan plan;
  int64_t block;
};

/* packed[h, k, c, kh, kw, ci, lane]: in the order in which they are used. */
static const struct expr *pack_weights(void *context, struct expr_pool *pool,
                                       struct buffer *source,
                                       const struct expr *const *axes) {
  const struct packing *packing = context;
  const struct im2col_plan *plan = &packing->plan;
  const struct expr *block = expr_index(pool, packing->block);
  const struct expr *k =
      expr_add(pool, expr_mul(pool, axes[1], block), axes[6]);
  const struct expr *c = expr_add(
      pool, expr_mul(pool, axes[0], expr_index(pool, plan->chunk)), axes[2]);
  c = expr_add(pool, expr_mul(pool, c, block), axes[5]);
  const struct window2d *window = &plan->window;
  const struct expr *exists =
      expr_and(pool, expr_less(pool, k, expr_index(pool, window->out_channels)),
               expr_less(pool, c, expr_index(pool, window->in_channels)));
  const struct expr *at[4] = {k, c, axes[3], axes[4]};
  return expr_select(pool, exists, expr_load(pool, source, at, 4),
                     expr_constant(pool, source->dtype, 0));
}

static struct buffer *part_stage(struct im2col *m, struct buffer *columns) {
  struct builder *builder = m->builder;
  struct expr_pool *pool = builder->pool;
  const struct im2col_plan *plan = &m->plan;
  struct packing packing = {*plan, builder->block};
  const struct expr *const *sizes = columns->shape;
  const struct expr *packed_shape[7] = {
      sizes[0], expr_index(pool, plan->out_blocks),
      sizes[2], sizes[3],
      sizes[4], sizes[6],
      sizes[6]};
  const struct expr *shape[4] = {sizes[0], packed_shape[1],
                                 expr_index(pool, plan->places), sizes[6]};
  struct buffer *packed = builder_pack(builder, m->node->inputs[1], "im2col",
                                       packed_shape, 7, pack_weights, &packing);
  const struct expr *a[4];
  struct stage *stage =
      builder_add_stage(builder,
                        buffer_new(pool, builder_name(builder, "part"),
                                   ADZE_F32, BUFFER_STACK, shape, 4),
                        a);
  const struct expr *c = builder_reduction(builder, stage, "c", sizes[2]);
  const struct expr *kh = builder_reduction(builder, stage, "kh", sizes[3]);
  const struct expr *kw = builder_reduction(builder, stage, "kw", sizes[4]);
  const struct expr *ci = builder_reduction(builder, stage, "ci", sizes[6]);
  const struct expr *at[7] = {a[0], expr_floor_div(pool, a[2], sizes[5]), c, kh,
                              kw,   expr_floor_mod(pool, a[2], sizes[5]), ci};
  const struct expr *w[7] = {a[0], a[1], c, kh, kw, ci, a[3]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, ADZE_F32, 0);
  stage->body = expr_mul(pool, expr_load(pool, columns, at, 7),
                         expr_load(pool, packed, w, 7));
  return stage->output;
}

static void sum_stage(struct im2col *m, struct buffer *part) {
  struct builder *builder = m->builder;
  struct expr_pool *pool = builder->pool;
  const struct expr *a[5];
  struct buffer *sums = window2d_sums(builder, m->node);
  struct stage *stage = builder_add_stage(builder, sums, a);
  const struct expr *row = expr_add(
      pool, expr_mul(pool, a[0], expr_index(pool, m->plan.height)), a[2]);
  const struct expr *place = expr_add(
      pool, expr_mul(pool, row, expr_index(pool, m->plan.width)), a[3]);
  const struct expr *at[4] = {
      builder_reduction(builder, stage, "h", part->shape[0]), a[1], place,
      a[4]};
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_constant(pool, sums->dtype, 0);
  stage->body = expr_load(pool, part, at, 4);
  window2d_finish(builder, m->node, sums);
}

static enum adze_status im2col_express(struct builder *builder) {
  struct im2col m = {.builder = builder,
                     .node = builder->group->nodes.data[0],
                     .plan = plan_of(builder)};
  sum_stage(&m, part_stage(&m, columns_stage(&m)));
  return ADZE_OK;
}

/* ---- Knobs --------------------------------------------------------------- */
static const char *const im2col_knobs[] = {"blocks", "unroll", "panel", NULL};

static size_t im2col_space(const struct builder *builder, size_t knob,
                           int64_t *values, size_t capacity) {
  if (knob != KNOB_PANEL)
    return tile_space(builder, knob == KNOB_BLOCKS ? TILE_BLOCKS : TILE_UNROLL,
                      values, capacity);
  return tile_divisors(plan_of(builder).out_blocks, values, capacity);
}

/* Tiles whose parts stay in a quarter of the L2 cache until they are added; few
 * enough that all cores have like shares. */
static int64_t panel_choose(const struct builder *builder,
                            const struct im2col_plan *plan) {
  const struct machine *machine = builder->machine;
  int64_t tiles = plan->out_blocks / plan->tile.blocks;
  int64_t bytes = plan->in_blocks / plan->chunk * plan->places *
                  plan->tile.blocks * builder->block * 4;
  return tile_panel(machine, tiles, machine->l2_bytes / 4 / bytes, 1);
}

static void im2col_choose(const struct builder *builder, int64_t *knobs) {
  struct im2col_plan plan = plan_of(builder);
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
  struct statement *loops[LOOP_MAX_RANK], *copy, *k = panel, *k_inner = NULL,
                                                 *p, *p_inner;
  struct statement *block =
      schedule_block(schedule, builder->stages.data[1]->name, BLOCK_WHOLE);
  TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &copy));
  TRY(schedule_set_scope(schedule, copy, BUFFER_WORKER));
  TRY(schedule_compute_at(schedule, copy, panel));
  size_t count =
      schedule_loops_around(schedule, copy, loops, ARRAY_COUNT(loops));
  struct statement *lane = loops[count - 1], *order[5];
  size_t ordered = 0, at = count - 2;
  TRY(schedule_split(schedule, loops[at], plan->tile.columns, &p, &p_inner));
  TRY(schedule_partition(schedule, p));
  /* One block in the panel has no loop. */
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
  TRY(schedule_vectorize(schedule, lane));
  return common_prefetch_next(builder, schedule,
                              builder->group->nodes.data[0]->inputs[1],
                              builder->stages.data[1], k);
}

static enum adze_status im2col_apply(struct builder *builder,
                                     struct schedule *schedule,
                                     const int64_t *knobs) {
  struct im2col_plan plan = plan_of(builder);
  const struct stage *sums = builder->stages.data[2];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *panel, *k;
  TRY(gather(builder, schedule));
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, sums, last, &write));
  check(schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops)) == 5);
  TRY(schedule_split(schedule, loops[1], knobs[KNOB_PANEL] * knobs[KNOB_BLOCKS],
                     &panel, &k));
  struct statement *order[] = {panel,    loops[0], k,
                               loops[2], loops[3], loops[4]};
  TRY(schedule_reorder(schedule, order, ARRAY_COUNT(order)));
  struct reduce_plan reduce = {.factor = 1, .lanes = builder->block};
  TRY(common_reduce_at(schedule,
                       schedule_block(schedule, sums->name, BLOCK_WHOLE),
                       loops[3], &reduce));
  TRY(schedule_vectorize(schedule, loops[4]));
  TRY(multiply(builder, schedule, &plan, panel, knobs));
  return schedule_parallel(schedule, panel);
}

const struct template template_conv_im2col = {
    .name = "conv_im2col",
    .summary = "convolution of small images as a product with gathered places",
    .output_blocked = true,
    .match = im2col_match,
    .demand = im2col_demand,
    .express = im2col_express,
    .knobs = im2col_knobs,
    .space = im2col_space,
    .choose = im2col_choose,
    .apply = im2col_apply,
};

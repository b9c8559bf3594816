/* SPDX-License-Identifier: Apache-2.0 */
/* Whether keeping what is pooled in scratch memory pays: cycles of one core for
 * it, and for the convolution by the template that takes it otherwise, whose
 * result goes to where it stays and comes back from there. */
#include "schedule/conv_pool_plan.h"

#include "schedule/im2col_plan.h"
#include "schedule/pool.h"
#include "schedule/strassen_plan.h"
#include "schedule/winograd_plan.h"

/* What direct convolution takes more than its own model says. */
#define DIRECT 1.08
/* It must be this much better than two kernels. */
#define ADVANTAGE 0.98
/* Global pooling's sum of a block of channels waits for itself that long. */
#define ADD_CYCLES 4

/* ---- Rows ---------------------------------------------------------------- */
struct shape {
  struct window window; /* of the pooling */
  int64_t in_width, batch, height, width, pooled_height, channel_blocks, block;
  bool is_global; /* pooling */
};

/* Rows of the image that tiles of so many rows of the result compute in all. */
static int64_t computed_rows(const struct shape *shape, int64_t rows) {
  int64_t sum = 0, reach = window_reach(&shape->window, 0);
  for (int64_t y = 0; y < shape->pooled_height; y += rows) {
    int64_t begin = y * shape->window.stride[0] - shape->window.before[0];
    int64_t end = begin + (rows - 1) * shape->window.stride[0] + reach;
    begin = begin < 0 ? 0 : begin;
    end = end > shape->height ? shape->height : end;
    sum += end > begin ? end - begin : 0;
  }
  return sum;
}

/* The convolution's steps for one number. */
static double steps_of(const struct conv_pool_plan *plan, int64_t block) {
  const struct window2d *window = &plan->window;
  int64_t channels = window->in_channels;
  bool blocked = channels >= block / 2;
  return (double)(window->kernel[0] * window->kernel[1]) *
         (double)(blocked ? window2d_summed(channels, block) : channels);
}

static double row_bytes(const struct shape *shape, int64_t blocks) {
  return 4.0 * (double)(blocks * shape->block) * (double)shape->width;
}

/* Of the convolution, for so many rows of one image. */
static double input_bytes(const struct shape *shape,
                          const struct conv_pool_plan *plan, int64_t rows) {
  const struct window2d *conv = &plan->window;
  return 4.0 * (double)(conv->in_channels * shape->in_width) *
         (double)((rows - 1) * conv->stride[0] + conv->kernel[0]);
}

/* Each tile of rows goes through all weights, and through its rows of the input
 * for each tile of channels. The first time is every convolution's. */
static double again_cycles(const struct machine *machine,
                           const struct shape *shape,
                           const struct conv_pool_plan *plan) {
  double tiles =
      (double)(shape->batch * ceil_div(shape->pooled_height, plan->rows));
  double panels = (double)(shape->channel_blocks / plan->tile.blocks);
  int64_t rows = (plan->rows - 1) * shape->window.stride[0] +
                 window_reach(&shape->window, 0);
  double input = input_bytes(shape, plan, rows);
  double weights = 4.0 * steps_of(plan, shape->block) *
                   (double)(shape->channel_blocks * shape->block);
  /* All of the image comes for each tile of channels instead of the weights
   * for each tile of places, which is as much. */
  if (shape->is_global && input <= (double)machine->l2_bytes / 2)
    input = 0;
  return tiles * (panels - 1) * input / tile_cache_rate(machine, input) +
         (tiles - 1) * weights / tile_cache_rate(machine, weights);
}

/* For tiles of channels of a whole image each core needs all of the input. */
static double exchange_cycles(const struct machine *machine,
                              const struct shape *shape,
                              const struct conv_pool_plan *plan) {
  double image = input_bytes(shape, plan, shape->height);
  return shape->is_global
             ? tile_exchange_cycles(machine, (double)shape->batch * image)
             : 0;
}

/* To pool `rows` rows of the image, of so many blocks together. */
static double pooling_cycles(const struct machine *machine,
                             const struct shape *shape, double rows,
                             int64_t together) {
  double blocks = (double)shape->channel_blocks;
  return shape->is_global ? ADD_CYCLES * rows * (double)shape->width * blocks /
                                (double)together
                          : 2 * rows * row_bytes(shape, shape->channel_blocks) /
                                machine->l2_bytes_per_cycle;
}

static double plan_cycles(const struct machine *machine,
                          const struct shape *shape,
                          const struct conv_pool_plan *plan) {
  int64_t tiles = ceil_div(shape->pooled_height, plan->rows);
  int64_t shares =
      shape->batch * tiles * (shape->channel_blocks / plan->tile.blocks);
  double rows = (double)(shape->batch * computed_rows(shape, plan->rows));
  double conv = tile_direct_cycles(
      machine, rows, shape->width, steps_of(plan, shape->block),
      shape->channel_blocks, shape->block, plan->tile.blocks);
  return tile_unevenness(machine, shares) *
             (DIRECT * conv +
              pooling_cycles(machine, shape, rows, plan->tile.blocks) +
              again_cycles(machine, shape, plan)) +
         exchange_cycles(machine, shape, plan);
}

/* As many rows, and blocks of channels, as half of the L2 cache holds. */
static void try_rows(const struct machine *machine, const struct shape *shape,
                     struct conv_pool_plan *plan, struct conv_pool_plan *best) {
  int64_t reach = window_reach(&shape->window, 0);
  for (plan->rows = 1;
       plan->rows <= CONV_POOL_MOST_ROWS && plan->rows <= shape->pooled_height;
       plan->rows++) {
    int64_t rows = (plan->rows - 1) * shape->window.stride[0] + reach;
    double bytes = (double)rows * row_bytes(shape, plan->tile.blocks);
    if (plan->rows > 1 && bytes > (double)machine->l2_bytes / 2)
      break;
    plan->cycles = plan_cycles(machine, shape, plan);
    if (best->rows == 0 || plan->cycles < 0.999 * best->cycles)
      *best = *plan;
  }
}

static struct shape shape_of(const struct node *conv, const struct node *pool,
                             int64_t block) {
  const struct value *image = conv->outputs[0];
  return (struct shape){
      .window = pool_window(pool),
      .in_width = value_dim(conv->inputs[0], 3),
      .batch = value_dim(image, 0),
      .height = value_dim(image, 2),
      .width = value_dim(image, 3),
      .pooled_height = value_dim(pool->outputs[0], 2),
      .channel_blocks = ceil_div(value_dim(image, 1), block),
      .block = block,
      .is_global = pool_is_global(pool),
  };
}

const char *conv_pool_plan_read(const struct machine *machine, int64_t block,
                                const struct node *conv,
                                const struct node *pool,
                                struct conv_pool_plan *out) {
  struct conv_pool_plan plan = {.rows = 0}, best = plan;
  struct shape shape = shape_of(conv, pool, block);
  if (!window2d_of_conv(conv, &plan.window) || plan.window.groups != 1)
    return "not a 2-d fp32 convolution of one group with constant weights";
  if (shape.batch < 1 || shape.height < 1 || shape.width < 1 ||
      shape.pooled_height < 1 || value_dim(pool->outputs[0], 3) < 1)
    return "open extents";
  if (plan.window.out_channels * 2 < block)
    return "too few channels for a block";
  for (int64_t most = 1; most <= TILE_MOST_BLOCKS; most++) {
    plan.tile = tile_choose(machine, shape.width, shape.channel_blocks, most);
    try_rows(machine, &shape, &plan, &best);
  }
  *out = best;
  return NULL;
}

/* ---- Two kernels --------------------------------------------------------- */
/* Of the convolution by the template that takes it otherwise. */
static double conv_cycles(const struct match_query *query,
                          const struct node *conv, const struct shape *shape,
                          const struct conv_pool_plan *plan) {
  struct winograd_plan winograd;
  struct im2col_plan gathered;
  const char *reason;
  if (query->winograd && winograd_plan_make(query->machine, query->block, conv,
                                            &winograd, &reason))
    return winograd.cycles;
  if (!im2col_plan_read(query->machine, query->block, conv, &gathered) &&
      im2col_plan_gains(query, conv, &gathered))
    return gathered.cycles;
  return DIRECT * tile_direct_cycles(
                      query->machine, (double)(shape->batch * shape->height),
                      shape->width, steps_of(plan, shape->block),
                      shape->channel_blocks, shape->block, TILE_MOST_BLOCKS) -
         strassen_gain(query, conv, false, &reason);
}

bool conv_pool_plan_gains(const struct match_query *query,
                          const struct node *conv, const struct node *pool,
                          const struct conv_pool_plan *plan) {
  const struct machine *machine = query->machine;
  struct shape shape = shape_of(conv, pool, query->block);
  double rows = (double)(shape.batch * shape.height);
  double bytes = rows * row_bytes(&shape, shape.channel_blocks);
  double apart = conv_cycles(query, conv, &shape, plan) +
                 tile_between_cycles(machine, bytes);
  if (shape.is_global)
    apart += pooling_cycles(machine, &shape, rows, 1);
  /* One core has the same to do for either, but for the image's way. */
  return plan->cycles <
         (shape.is_global && machine->cores == 1 ? 1 : ADVANTAGE) * apart;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles of one core for the products, the transforms and the traffic, for each
 * tile that fits the kernel and each way of going through the image. Weights
 * are 4 (F(4,3)) or 1.8 times (F(2,3)) as large as the kernel's own and come
 * from memory once, since the weights of a network don't stay in a cache from
 * one run to the next; so small images of many channels are bound by them. */
#include "schedule/winograd_plan.h"

#include "schedule/tile.h"

/* A way of going through the image must be this much better to be taken
 * instead of the direct convolution, whose cost is known better. */
#define ADVANTAGE 0.95

static const char *unfit(const struct window2d *window, int64_t block) {
  if (window->groups != 1 || window->kernel[0] != window->kernel[1] ||
      window->kernel[0] < 3 || window->kernel[0] > 7 ||
      window->kernel[0] % 2 == 0)
    return "not a 3x3, 5x5 or 7x7 convolution of one group";
  for (int axis = 0; axis < 2; axis++)
    if (window->stride[axis] != 1)
      return "a stride";
  if (window->in_channels < block || window->out_channels < block)
    return "fewer channels than a block";
  return NULL;
}

static double largest(double a, double b) { return a > b ? a : b; }

static double direct_cycles(const struct machine *machine,
                            const struct winograd_plan *plan, int64_t height,
                            int64_t width) {
  const struct window2d *window = &plan->window;
  double taps = (double)(window->kernel[0] * window->kernel[1]);
  double steps = taps * (double)(plan->in_blocks * plan->block);
  double weights = steps * (double)(plan->out_blocks * plan->block) * 4;
  struct tile tile =
      tile_choose(machine, width, plan->out_blocks, TILE_MOST_BLOCKS);
  double images = (double)(plan->batch > 0 ? plan->batch : 1);
  return largest(1.08 * images * (double)height * steps * tile.row_cycles,
                 weights / machine->memory_bytes_per_cycle);
}

/* Cycles of the transforms of one position in one block: arithmetic, and a
 * store for each element of the result, and for most of those between. */
static double input_cycles(const struct machine *machine,
                           const struct winograd_transform *t) {
  int operations = 2 * t->reach * winograd_operations(&t->input);
  return operations / machine->fma_per_cycle + 1.5 * t->reach * t->reach;
}
static double output_cycles(const struct machine *machine,
                            const struct winograd_transform *t) {
  int operations = (t->reach + t->tile) * winograd_operations(&t->output);
  return operations / machine->fma_per_cycle + t->reach * t->reach;
}

static double from_cache(const struct machine *machine, double bytes) {
  return bytes < 0.75 * (double)machine->l2_bytes ? machine->l2_bytes_per_cycle
         : bytes < 0.5 * (double)machine->l3_bytes
             ? machine->l3_bytes_per_cycle
             : machine->memory_bytes_per_cycle;
}

/* With `rows` as in the plan. The factors are what measured kernels took more
 * than their arithmetic, and the share of transfers that was not hidden. */
static double plan_cycles(const struct machine *machine,
                          const struct winograd_plan *plan, int64_t rows) {
  const struct winograd_transform *t = &plan->transform;
  double points = (double)(t->reach * t->reach);
  double images = (double)(plan->batch > 0 ? plan->batch : 1);
  double channels = (double)(plan->in_blocks * plan->block);
  double outs = (double)(plan->out_blocks * plan->block);
  double positions = images * (double)(plan->tiles[0] * plan->tiles[1]);
  double together = rows > 0 ? (double)(rows * plan->tiles[1]) : positions;
  double passes = positions / together;
  double products = points * channels * passes *
                    tile_choose(machine, (int64_t)together, plan->out_blocks,
                                TILE_MOST_BLOCKS)
                        .row_cycles;
  double transforms =
      positions * ((double)plan->in_blocks * input_cycles(machine, t) +
                   (double)plan->out_blocks * output_cycles(machine, t));
  /* In steps, weights pass by in the order they lie in. */
  double weights = points * channels * outs * 4;
  double weights_way =
      weights / machine->memory_bytes_per_cycle * (rows > 0 ? 1 : 0.4) +
      (passes - 1) * weights / from_cache(machine, weights);
  /* In rows, the products of some output channels are used up at once. */
  double between = together * points * 4 * (channels + (rows > 0 ? 32 : outs));
  double traffic = 2 * passes * between / from_cache(machine, between);
  double share = 1;
  if (rows > 0) {
    int64_t parts = plan->tiles[0] / rows * (int64_t)images;
    share = (double)(ceil_div(parts, machine->cores) * machine->cores) /
            (double)parts;
  }
  return share *
         (1.2 * products + 1.3 * transforms + weights_way + 1.5 * traffic);
}

static void try_rows(const struct machine *machine,
                     const struct winograd_plan *plan,
                     struct winograd_plan *best) {
  bool by_rows = plan->phases[0] == 1 && plan->phases[1] == 1;
  for (int64_t rows = 0; rows <= (by_rows ? plan->tiles[0] : 0); rows++) {
    if (rows > 0 && plan->tiles[0] % rows != 0)
      continue;
    double cycles = plan_cycles(machine, plan, rows);
    if (best->cycles > 0 && cycles >= best->cycles)
      continue;
    *best = *plan;
    best->rows = rows;
    best->cycles = cycles;
  }
}

bool winograd_plan_make(const struct machine *machine, int64_t block,
                        const struct node *node, struct winograd_plan *out,
                        const char **reason) {
  struct winograd_plan plan = {.block = block}, best = {.cycles = 0};
  if (!window2d_of_conv(node, &plan.window)) {
    *reason = "not a 2-d fp32 convolution with constant weights";
    return false;
  }
  *reason = unfit(&plan.window, block);
  const struct value *image = node->outputs[0];
  const int64_t extent[2] = {value_dim(image, 2), value_dim(image, 3)};
  if (!*reason && (extent[0] < 1 || extent[1] < 1))
    *reason = "tiles of open extents would need conditions";
  if (*reason)
    return false;
  plan.batch = value_dim(image, 0) < 1 ? 0 : value_dim(image, 0);
  plan.in_blocks = ceil_div(plan.window.in_channels, block);
  plan.out_blocks = ceil_div(plan.window.out_channels, block);
  plan.direct_cycles = direct_cycles(machine, &plan, extent[0], extent[1]);
  int kernel = (int)plan.window.kernel[0];
  /* Six outputs of three taps would round too much. */
  for (int tile = 2; tile <= 4; tile += 2) {
    if (!winograd_transform_make(tile, kernel, &plan.transform))
      continue;
    for (int axis = 0; axis < 2; axis++) {
      int64_t phases = plan.phases[axis] = plan.window.dilation[axis];
      plan.tiles[axis] = phases * ceil_div(extent[axis], phases * tile);
    }
    try_rows(machine, &plan, &best);
  }
  *out = best;
  if (best.cycles < ADVANTAGE * best.direct_cycles)
    return true;
  *reason = "transforms and weights cost more than the multiplications saved";
  return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles of one core for the products, the transforms and the traffic, for each
 * tile that fits the kernel and each way of going through the image. Weights
 * are 4 (F(4,3)) or 1.8 times (F(2,3)) as large as the kernel's own and come
 * from memory once, since the weights of a network don't stay in a cache from
 * one run to the next; so small images of many channels are bound by them. */
#include "schedule/winograd_plan.h"

#include "schedule/im2col_plan.h"

/* A way of going through the image must be this much better than what would be
 * taken otherwise. */
#define ADVANTAGE 0.98
/* One with more rows at a time must be this much better than one with less,
 * which leaves more of the caches to others. */
#define MORE_ROWS 0.97
/* What gathering places takes more than its own model says. */
#define GATHERED 1.3
/* Cycles that each byte must save by which weights become larger: they take
 * memory, and caches and bandwidth from others. */
#define BYTE_PRICE 0.08

int64_t winograd_step(const struct winograd_plan *plan, int axis) {
  return plan->is_transposed ? 1 : plan->phases[axis];
}

int64_t winograd_places(const struct winograd_plan *plan, int axis) {
  return plan->tiles[axis] * plan->transform.tile +
         (plan->taps - 1) * winograd_step(plan, axis);
}

/* ---- What fits ----------------------------------------------------------- */
static const char *read_conv(const struct node *node,
                             struct winograd_plan *plan) {
  struct window2d *window = &plan->window;
  if (!window2d_of_conv(node, window))
    return "not a 2-d fp32 convolution with constant weights";
  plan->taps = ceil_div(window->kernel[0], window->stride[0]);
  for (int axis = 0; axis < 2; axis++) {
    plan->stride[axis] = window->stride[axis];
    plan->phases[axis] = window->dilation[axis];
    plan->before[axis] = window->before[axis];
    if (ceil_div(window->kernel[axis], window->stride[axis]) != plan->taps)
      return "different taps along y and x";
    if (window->dilation[axis] != 1 && window->stride[axis] != 1)
      return "a stride and a dilation";
  }
  bool has_stride = window->stride[0] > 1 || window->stride[1] > 1;
  if (has_stride && (plan->taps < 3 || plan->taps > 5))
    return "not 3 to 5 taps in each phase";
  if (!has_stride && plan->taps != 3 && plan->taps != 5 && plan->taps != 7)
    return "not a 3x3, 5x5 or 7x7 convolution";
  /* Strides are less than half of the kernel, so of the size of weights. */
  plan->in_phases = window->stride[0] * window->stride[1];
  plan->gathers = has_stride && window->in_channels < plan->block;
  return NULL;
}

/* With z = (y + before) div s, the inputs of every phase are those from
 * z - taps + 1 to z. */
static const char *read_transposed(const struct node *node,
                                   struct winograd_plan *plan) {
  struct window2d *window = &plan->window;
  if (!window2d_of_conv_transpose(node, window))
    return "not a 2-d fp32 transposed convolution with constant weights";
  plan->is_transposed = true;
  for (int axis = 0; axis < 2; axis++) {
    int64_t stride = window->stride[axis];
    int64_t taps = ceil_div(window->kernel[axis], stride);
    if (window->dilation[axis] != 1)
      return "a dilation";
    if (taps < 2 || taps > 5 || (axis == 1 && taps != plan->taps))
      return "not 2 to 5 taps in each phase";
    plan->taps = taps;
    plan->phases[axis] = stride;
    plan->shift[axis] = window->before[axis] % stride;
    plan->before[axis] = taps - 1 - window->before[axis] / stride;
    plan->stride[axis] = 1;
  }
  plan->in_phases = 1;
  return NULL;
}

/* What the node asks for, in any tiles; or why it is not to be had. */
static const char *read_node(const struct node *node, int64_t block,
                             struct winograd_plan *plan) {
  const char *reason = node->op == &op_conv_transpose
                           ? read_transposed(node, plan)
                           : read_conv(node, plan);
  if (reason)
    return reason;
  const struct window2d *window = &plan->window;
  const struct value *image = node->outputs[0];
  if (window->groups != 1)
    return "more than one group";
  int64_t gathered = window->in_channels * plan->in_phases;
  if (window->out_channels < block ||
      (plan->gathers ? 2 * gathered : window->in_channels) < block)
    return "fewer channels than a block";
  if (value_dim(image, 2) < 1 || value_dim(image, 3) < 1)
    return "tiles of open extents would need conditions";
  plan->batch = value_dim(image, 0) < 1 ? 0 : value_dim(image, 0);
  plan->in_blocks =
      plan->gathers ? ceil_div(gathered, block)
                    : plan->in_phases * ceil_div(window->in_channels, block);
  plan->channels = plan->gathers ? gathered : plan->in_blocks * block;
  plan->out_blocks = ceil_div(window->out_channels, block);
  plan->product_blocks =
      plan->out_blocks *
      (plan->is_transposed ? plan->phases[0] * plan->phases[1] : 1);
  return NULL;
}

/* ---- Cost ---------------------------------------------------------------- */
/* Of direct convolution. A transposed one's phases are convolutions of images
 * that much smaller. */
static double direct_cycles(const struct machine *machine,
                            const struct winograd_plan *plan,
                            const int64_t *extent) {
  const struct window2d *window = &plan->window;
  double taps =
      (double)(plan->is_transposed ? plan->taps * plan->taps
                                   : window->kernel[0] * window->kernel[1]);
  int64_t channels = window->in_channels;
  double steps =
      taps * (double)(plan->gathers ? channels
                                    : window2d_summed(channels, plan->block));
  double images = (double)(plan->batch > 0 ? plan->batch : 1), phases = 1;
  int64_t height = extent[0], width = extent[1];
  if (plan->is_transposed) {
    phases = (double)(plan->phases[0] * plan->phases[1]);
    height = ceil_div(height, plan->phases[0]);
    width = ceil_div(width, plan->phases[1]);
  }
  double block_bytes = steps * (double)plan->block * 4;
  int64_t most_blocks = plan->is_transposed
                            ? tile_resident_blocks(machine, block_bytes)
                            : TILE_MOST_BLOCKS;
  return 1.08 * phases *
         tile_direct_cycles(machine, images * (double)height, width, steps,
                            plan->out_blocks, plan->block, most_blocks);
}

/* Of the template that takes the node otherwise. */
static double other_cycles(const struct machine *machine,
                           const struct node *node,
                           const struct winograd_plan *plan,
                           const int64_t *extent) {
  struct im2col_plan gathered;
  double cycles = direct_cycles(machine, plan, extent);
  if (im2col_plan_read(machine, plan->block, node, &gathered))
    return cycles;
  double gathering = GATHERED * gathered.cycles;
  return gathering < cycles ? gathering : cycles;
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

/* To gather phases: places of one channel by one. */
static double gather_cycles(const struct winograd_plan *plan) {
  double places = (double)(plan->batch > 0 ? plan->batch : 1);
  for (int axis = 0; axis < 2; axis++)
    places *= (double)winograd_places(plan, axis);
  return plan->gathers ? 1.5 * places * (double)plan->channels : 0;
}

static double positions_of(const struct winograd_plan *plan) {
  return (double)(plan->batch > 0 ? plan->batch : 1) *
         (double)(plan->tiles[0] * plan->tiles[1]);
}

/* What lies between the transforms and the products of so many positions, of
 * so many channels. */
static double bytes_between(const struct winograd_plan *plan, double positions,
                            double channels) {
  double points = (double)(plan->transform.reach * plan->transform.reach);
  return positions * points * 4 * channels;
}

static double weight_bytes(const struct winograd_plan *plan) {
  double points = (double)(plan->transform.reach * plan->transform.reach);
  return points * (double)plan->channels *
         (double)(plan->product_blocks * plan->block) * 4;
}

/* The tile of the products, of so many positions together. Weights come from
 * memory once, then from where they stay. */
static struct tile product_tile(const struct machine *machine,
                                const struct winograd_plan *plan,
                                int64_t rows) {
  double block_bytes = (double)plan->block * 4;
  int64_t all_rows = plan->tiles[0] * plan->batch;
  int64_t together = plan->tiles[1] * (rows > 0 ? rows : all_rows);
  double rate = rows == 0 || rows == all_rows
                    ? machine->weights_bytes_per_cycle
                    : tile_work_rate(machine, weight_bytes(plan));
  return tile_choose_streamed(machine, together > 0 ? together : -1,
                              plan->out_blocks, TILE_MOST_BLOCKS,
                              machine->asks_ahead ? block_bytes / rate : 0);
}

/* The products and what is not hidden of fetching their weights, which rows
 * fetch once for each pass. The factors were measured. */
static double product_cycles(const struct machine *machine,
                             const struct winograd_plan *plan, int64_t rows,
                             double passes) {
  double points = (double)(plan->transform.reach * plan->transform.reach);
  double steps = points * (double)plan->channels;
  double cycles = steps * passes *
                  (double)(plan->product_blocks / plan->out_blocks) *
                  product_tile(machine, plan, rows).row_cycles;
  double weights = weight_bytes(plan);
  double first = weights / machine->weights_bytes_per_cycle;
  double again = (passes - 1) * weights / tile_work_rate(machine, weights);
  if (machine->asks_ahead) /* a single pass waits in the tile's cycles */
    return 1.1 * cycles + (passes > 1 ? first + 0.3 * again : 0);
  cycles *= 1.2;
  if (rows > 0)
    return cycles + first + again;
  return cycles > first ? cycles + 0.35 * first : first + 0.35 * cycles;
}

/* With `rows` as in the plan. The factors are what measured kernels took more
 * than their arithmetic, and the share of transfers that was not hidden. */
static double plan_cycles(const struct machine *machine,
                          const struct winograd_plan *plan, int64_t rows) {
  const struct winograd_transform *t = &plan->transform;
  double images = (double)(plan->batch > 0 ? plan->batch : 1);
  double channels = (double)plan->channels;
  double outs = (double)(plan->product_blocks * plan->block);
  double positions = positions_of(plan);
  double together = rows > 0 ? (double)(rows * plan->tiles[1]) : positions;
  double passes = positions / together;
  double transforms =
      positions * ((double)plan->in_blocks * input_cycles(machine, t) +
                   (double)plan->product_blocks * output_cycles(machine, t));
  /* In rows, the products of some output channels are used up at once; in steps
   * what a step reads goes as it writes. */
  double between =
      bytes_between(plan, together, channels + (rows > 0 ? 32 : outs));
  double alive = rows > 0 ? between
                          : bytes_between(plan, together,
                                          outs > channels ? outs : channels);
  double traffic = 2 * passes * between / tile_work_rate(machine, alive);
  double share = 1;
  if (rows > 0) {
    int64_t parts = plan->tiles[0] / rows * (int64_t)images;
    share = tile_unevenness(machine, parts);
  }
  return gather_cycles(plan) +
         share * (product_cycles(machine, plan, rows, passes) +
                  1.3 * transforms + 1.5 * traffic);
}

/* In steps a core goes on with what others computed: of the same points instead
 * of the same places, then of the same places again. */
static double exchange_cycles(const struct machine *machine,
                              const struct winograd_plan *plan) {
  double cores = (double)machine->cores;
  double outs = (double)(plan->product_blocks * plan->block);
  double bytes =
      bytes_between(plan, positions_of(plan), (double)plan->channels + outs);
  return cores == 1
             ? 0
             : bytes * (cores - 1) / cores / machine->exchange_bytes_per_cycle +
                   2 * cores * TILE_BARRIER_CYCLES;
}

static double larger_weights(const struct winograd_plan *plan) {
  double grown = (double)(plan->transform.reach * plan->transform.reach -
                          plan->taps * plan->taps);
  return BYTE_PRICE * 4 * grown * (double)plan->channels *
         (double)(plan->product_blocks * plan->block);
}

/* The best rows of these tiles, if better than another template and the smaller
 * tiles' best. Other templates read what other cores computed as well, so what
 * that takes only counts between these. */
static void try_rows(const struct machine *machine,
                     const struct winograd_plan *plan,
                     struct winograd_plan *best) {
  bool by_rows = plan->phases[0] == 1 && plan->phases[1] == 1;
  struct winograd_plan found = *plan;
  for (int64_t rows = 0; rows <= (by_rows ? plan->tiles[0] : 0); rows++) {
    if (rows > 0 && plan->tiles[0] % rows != 0)
      continue;
    double cycles = plan_cycles(machine, plan, rows) + larger_weights(plan);
    if (cycles >= ADVANTAGE * plan->other_cycles)
      continue;
    if (rows == 0)
      cycles += exchange_cycles(machine, plan);
    if (found.cycles == 0 || cycles < MORE_ROWS * found.cycles) {
      found.rows = rows;
      found.tile = product_tile(machine, plan, rows);
      found.cycles = cycles;
    }
  }
  if (found.cycles > 0 &&
      (best->cycles == 0 || found.cycles < ADVANTAGE * best->cycles))
    *best = found;
}

bool winograd_plan_make(const struct machine *machine, int64_t block,
                        const struct node *node, struct winograd_plan *out,
                        const char **reason) {
  struct winograd_plan plan = {.block = block}, best = {.cycles = 0};
  *reason = read_node(node, block, &plan);
  if (*reason)
    return false;
  const struct value *image = node->outputs[0];
  const int64_t extent[2] = {value_dim(image, 2), value_dim(image, 3)};
  plan.other_cycles = other_cycles(machine, node, &plan, extent);
  for (int tile = 2; tile <= 5; tile++) {
    /* Six outputs of three taps round ten times as much and are no faster. */
    if (!winograd_transform_make(tile, (int)plan.taps, &plan.transform) ||
        (plan.is_transposed && plan.transform.reach > 6))
      continue;
    for (int axis = 0; axis < 2; axis++) {
      int64_t step = winograd_step(&plan, axis);
      plan.tiles[axis] = step * ceil_div(extent[axis] + plan.shift[axis],
                                         plan.phases[axis] * tile);
    }
    try_rows(machine, &plan, &best);
  }
  *out = best;
  if (best.cycles > 0)
    return true;
  *reason = "transforms and weights cost more than the multiplications saved";
  return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/winograd_plan.h"

#include "schedule/winograd_cost.h"

/* A way of going through the image must be this much better than what would be
 * taken otherwise. */
#define ADVANTAGE 0.98
/* One with more rows at a time must be this much better than one with less,
 * which leaves more of the caches to others. */
#define MORE_ROWS 0.97

int64_t winograd_points(const struct winograd_plan *plan) {
  return (int64_t)plan->transform[0].reach * plan->transform[1].reach;
}

int64_t winograd_step(const struct winograd_plan *plan, int axis) {
  return plan->is_transposed ? 1 : plan->phases[axis];
}

int64_t winograd_places(const struct winograd_plan *plan, int axis) {
  const struct winograd_transform *t = &plan->transform[axis];
  return plan->tiles[axis] * t->tile * t->stride +
         (t->kernel - t->stride) * winograd_step(plan, axis);
}

/* ---- What fits ----------------------------------------------------------- */
/* Whether a stride is made phases of the input, or is left to transforms. */
enum stride_by { STRIDE_BY_PHASES, STRIDE_BY_TRANSFORMS };

static bool has_stride(const struct window2d *window) {
  return window->stride[0] > 1 || window->stride[1] > 1;
}

/* Strides are less than half of the kernel, so of the size of weights. */
static const char *read_phases(struct winograd_plan *plan) {
  const struct window2d *window = &plan->window;
  for (int axis = 0; axis < 2; axis++) {
    int64_t taps = ceil_div(window->kernel[axis], window->stride[axis]);
    if (has_stride(window) && (taps < 3 || taps > 5))
      return "not 3 to 5 taps in each phase";
    if (taps > WINOGRAD_MOST)
      return "more taps than points";
    plan->taps[axis] = taps;
    plan->stride[axis] = window->stride[axis];
    plan->transform[axis].stride = 1;
  }
  plan->in_phases = window->stride[0] * window->stride[1];
  plan->gathers = has_stride(window) && window->in_channels < plan->block;
  return NULL;
}

static const char *read_strided(struct winograd_plan *plan) {
  struct window2d *window = &plan->window;
  for (int axis = 0; axis < 2; axis++) {
    if (window->stride[axis] > window->kernel[axis] ||
        window->kernel[axis] > WINOGRAD_MOST)
      return "a stride larger than the kernel, or more taps than points";
    plan->taps[axis] = window->kernel[axis];
    plan->transform[axis].stride = (int)window->stride[axis];
    plan->stride[axis] = window->stride[axis] = 1;
  }
  plan->in_phases = 1;
  return NULL;
}

static const char *read_conv(const struct node *node, enum stride_by by,
                             struct winograd_plan *plan) {
  struct window2d *window = &plan->window;
  if (!window2d_of_conv(node, window))
    return "not a 2-d fp32 convolution with constant weights";
  if (has_stride(window) &&
      (window->dilation[0] != 1 || window->dilation[1] != 1))
    return "a stride and a dilation";
  for (int axis = 0; axis < 2; axis++) {
    plan->phases[axis] = window->dilation[axis];
    plan->before[axis] = window->before[axis];
  }
  return by == STRIDE_BY_PHASES ? read_phases(plan) : read_strided(plan);
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
    if (taps < 2 || taps > 5)
      return "not 2 to 5 taps in each phase";
    plan->taps[axis] = taps;
    plan->transform[axis].stride = 1;
    plan->phases[axis] = stride;
    plan->shift[axis] = window->before[axis] % stride;
    plan->before[axis] = taps - 1 - window->before[axis] / stride;
    plan->stride[axis] = 1;
  }
  plan->in_phases = 1;
  return NULL;
}

/* What the node asks for, in any tiles; or why it is not to be had. */
static const char *read_node(const struct node *node, enum stride_by by,
                             struct winograd_plan *plan) {
  int64_t block = plan->block;
  const char *reason = node->op == &op_conv_transpose
                           ? read_transposed(node, plan)
                           : read_conv(node, by, plan);
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

/* ---- The choice ---------------------------------------------------------- */
/* The best rows of these tiles, if better than another template and the smaller
 * tiles' best. Other templates read what other cores computed as well, so what
 * that takes only counts between these. */
static void try_rows(const struct machine *machine,
                     const struct winograd_plan *plan,
                     struct winograd_plan *best) {
  bool by_rows = plan->phases[0] == 1 && plan->phases[1] == 1;
  struct winograd_plan tried = *plan, found = {.cycles = 0};
  int64_t most = by_rows ? plan->tiles[0] : 0;
  for (tried.rows = 0; tried.rows <= most; tried.rows++) {
    if (tried.rows > 0 && plan->tiles[0] % tried.rows != 0)
      continue;
    winograd_cost(machine, &tried);
    if (tried.cycles - tried.exchange < ADVANTAGE * plan->other_cycles &&
        (found.cycles == 0 || tried.cycles < MORE_ROWS * found.cycles))
      found = tried;
  }
  if (found.cycles > 0 &&
      (best->cycles == 0 || found.cycles < ADVANTAGE * best->cycles))
    *best = found;
}

/* Tiles of so many rows and columns; nothing where there are no such, or they
 * save no multiplications, or transforms would rather spill than compute. */
static void try_tile(const struct machine *machine, const struct node *node,
                     const int *tile, struct winograd_plan *plan,
                     struct winograd_plan *best) {
  /* Along both axes, six outputs round six times as much as four. */
  if (tile[0] == 6 && tile[1] == 6)
    return;
  for (int axis = 0; axis < 2; axis++) {
    struct winograd_transform *t = &plan->transform[axis];
    if (!winograd_transform_make(tile[axis], (int)plan->taps[axis], t->stride,
                                 t) ||
        (plan->is_transposed && t->reach > 6))
      return;
    int64_t extent = value_dim(node->outputs[0], 2 + (size_t)axis);
    plan->tiles[axis] =
        winograd_step(plan, axis) *
        ceil_div(extent + plan->shift[axis], plan->phases[axis] * t->tile);
  }
  int64_t points = winograd_points(plan);
  if (points < tile[0] * plan->taps[0] * tile[1] * plan->taps[1] &&
      points <= 5 * machine->vector_registers)
    try_rows(machine, plan, best);
}

/* The best tiles, if better than `best`; or why there are none. */
static const char *try_tiles(const struct machine *machine, int64_t block,
                             const struct node *node, enum stride_by by,
                             struct winograd_plan *best) {
  enum { MOST_TILE = 6 };
  struct winograd_plan plan = {.block = block};
  const char *reason = read_node(node, by, &plan);
  if (reason)
    return reason;
  plan.other_cycles = winograd_cost_otherwise(machine, node, &plan);
  for (int i = 0; i < MOST_TILE * MOST_TILE; i++)
    try_tile(machine, node, (int[]){1 + i / MOST_TILE, 1 + i % MOST_TILE},
             &plan, best);
  return "transforms and weights cost more than the multiplications saved";
}

bool winograd_plan_make(const struct machine *machine, int64_t block,
                        const struct node *node, struct winograd_plan *out,
                        const char **reason) {
  struct winograd_plan best = {.cycles = 0};
  struct window2d window;
  *reason = try_tiles(machine, block, node, STRIDE_BY_PHASES, &best);
  if (window2d_of_conv(node, &window) && has_stride(&window))
    *reason = try_tiles(machine, block, node, STRIDE_BY_TRANSFORMS, &best);
  *out = best;
  return best.cycles > 0;
}

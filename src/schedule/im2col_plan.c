/* SPDX-License-Identifier: Apache-2.0 */
/* Whether gathering places pays: cycles of one core for it and for direct
 * convolution. */
#include "schedule/im2col.h"

/* It must be this much better than direct convolution, whose cost is known
 * better. */
#define ADVANTAGE 0.93
/* For each vector that is gathered, of a part, and of the result. */
#define GATHER_CYCLES 4
#define PART_CYCLES 1.5
#define RESULT_CYCLES 4
/* For all workers to wait for one another. */
#define BARRIER_CYCLES 2000

int64_t im2col_residues(const struct im2col_plan *plan) {
  return plan->residues[0] * plan->residues[1];
}

/* ---- What fits ----------------------------------------------------------- */
/* As many blocks of input channels as have a tile's weights in the L1 cache,
 * besides the places that pass by. */
static int64_t chunk_choose(const struct machine *machine,
                            const struct im2col_plan *plan, int64_t block) {
  int64_t bytes =
      plan->taps[0] * plan->taps[1] * block * plan->tile.blocks * block * 4;
  int64_t chunk = machine->l1_bytes * 6 / 10 / bytes;
  chunk = chunk < plan->in_blocks ? chunk : plan->in_blocks;
  while (chunk > 1 && plan->in_blocks % chunk != 0)
    chunk--;
  return chunk < 1 ? 1 : chunk;
}

static const char *read_conv(const struct node *node,
                             struct im2col_plan *plan) {
  if (!window2d_of_conv(node, &plan->window))
    return "not a 2-d fp32 convolution with constant weights";
  plan->gather = plan->window;
  for (int axis = 0; axis < 2; axis++) {
    plan->residues[axis] = 1;
    plan->taps[axis] = plan->window.kernel[axis];
  }
  return NULL;
}

/* Output s*q + r gets in[q + t + (r + before) div s - (taps - 1)] for each tap
 * t: for some r it is one further than for others, unless s divides `before`. */
static const char *read_transposed(const struct node *node,
                                   struct im2col_plan *plan) {
  struct window2d *window = &plan->window;
  plan->is_transposed = true;
  if (!window2d_of_conv_transpose(node, window))
    return "not a 2-d fp32 transposed convolution with constant weights";
  plan->gather = *window;
  for (int axis = 0; axis < 2; axis++) {
    int64_t stride = window->stride[axis];
    if (window->dilation[axis] != 1 ||
        value_dim(node->outputs[0], 2 + (size_t)axis) % stride != 0)
      return "a dilation, or an output that the stride does not divide";
    plan->residues[axis] = stride;
    plan->taps[axis] = ceil_div(window->kernel[axis], stride);
    plan->gather.stride[axis] = 1;
    plan->gather.before[axis] =
        plan->taps[axis] - 1 - window->before[axis] / stride;
    plan->gather.kernel[axis] =
        plan->taps[axis] + (window->before[axis] % stride != 0);
  }
  return NULL;
}

/* The places of an image that is not small would be in no cache. */
static bool is_small(const struct machine *machine,
                     const struct im2col_plan *plan, int64_t block) {
  const int64_t *kernel = plan->gather.kernel;
  double bytes = 4.0 * (double)plan->batch * (double)plan->extent[0] *
                 (double)plan->extent[1] * (double)kernel[0] *
                 (double)kernel[1] * (double)(plan->in_blocks * block);
  int64_t cache = machine->l3_bytes > machine->l2_bytes ? machine->l3_bytes
                                                        : machine->l2_bytes;
  return bytes <= (double)cache / 2;
}

/* Of one core. */
static double plan_cycles(const struct im2col_plan *plan, int64_t block) {
  double outputs = (double)(plan->places * im2col_residues(plan));
  double gathered = (double)(plan->places * plan->gather.kernel[0] *
                             plan->gather.kernel[1] * plan->in_blocks);
  double steps = (double)(plan->taps[0] * plan->taps[1] * plan->in_blocks *
                          block * im2col_residues(plan));
  double results = outputs * (double)plan->out_blocks;
  double parts = results * (double)(plan->in_blocks / plan->chunk);
  return steps * plan->tile.row_cycles + GATHER_CYCLES * gathered +
         PART_CYCLES * parts + RESULT_CYCLES * results + BARRIER_CYCLES;
}

const char *im2col_plan_read(const struct machine *machine, int64_t block,
                             const struct node *node,
                             struct im2col_plan *plan) {
  *plan = (struct im2col_plan){.batch = value_dim(node->outputs[0], 0)};
  const char *reason = node->op == &op_conv ? read_conv(node, plan)
                                            : read_transposed(node, plan);
  if (reason)
    return reason;
  if (plan->window.groups != 1)
    return "more than one group";
  if (plan->window.in_channels < block || plan->window.out_channels < block)
    return "fewer channels than a block";
  for (int axis = 0; axis < 2; axis++) {
    int64_t out = value_dim(node->outputs[0], 2 + (size_t)axis);
    plan->extent[axis] = out / plan->residues[axis];
    if (plan->batch < 1 || out < 1 ||
        value_dim(node->inputs[0], 2 + (size_t)axis) < 1)
      return "open extents";
  }
  plan->in_blocks = ceil_div(plan->window.in_channels, block);
  plan->out_blocks = ceil_div(plan->window.out_channels, block);
  if (!is_small(machine, plan, block))
    return "a large image";
  plan->places = plan->batch * plan->extent[0] * plan->extent[1];
  plan->tile =
      tile_choose(machine, plan->places, plan->out_blocks, TILE_MOST_BLOCKS);
  plan->chunk = chunk_choose(machine, plan, block);
  plan->cycles = plan_cycles(plan, block);
  return NULL;
}

struct im2col_plan im2col_plan_of(const struct builder *builder) {
  struct im2col_plan plan;
  const char *reason = im2col_plan_read(builder->machine, builder->block,
                                        builder->group->nodes.data[0], &plan);
  check(reason == NULL);
  return plan;
}

/* ---- Direct convolution -------------------------------------------------- */
static bool reads_halo(const struct node *node) {
  struct window2d window;
  if (node->op == &op_conv)
    return !window2d_of_conv(node, &window) || window.kernel[0] > 1 ||
           window.kernel[1] > 1;
  return node->op == &op_conv_transpose || node->op == &op_max_pool ||
         node->op == &op_average_pool;
}

/* Whether nobody wants zeros around what is computed along with the value, so
 * that direct convolution may have rows of any length (schedule/regroup.h). */
static bool stays_dense(const struct graph_users *users,
                        const struct value *value) {
  enum { MOST_STEPS = 16 };
  for (int step = 0; step < MOST_STEPS; step++) {
    const struct node *next = NULL;
    for (size_t i = 0; i < users->counts[value->id]; i++) {
      const struct node *user = users->nodes[value->id][i];
      if (reads_halo(user))
        return false;
      if (user->op->fusion == FUSION_ELEMENTWISE)
        next = user;
    }
    if (users->counts[value->id] != 1 || !next)
      return true;
    value = next->outputs[0];
  }
  return false;
}

static double direct_cycles(const struct match_query *query,
                            const struct node *node,
                            const struct im2col_plan *plan) {
  const struct machine *machine = query->machine;
  int64_t width = plan->extent[1];
  if (!plan->is_transposed && window2d_is_pointwise(&plan->window) &&
      stays_dense(query->users, node->outputs[0]))
    width = tile_row_length(machine, plan->extent[0], width, plan->out_blocks);
  struct tile tile =
      tile_choose(machine, width, plan->out_blocks, TILE_MOST_BLOCKS);
  double steps =
      (double)(plan->taps[0] * plan->taps[1] * plan->in_blocks * query->block);
  double rows = (double)(plan->places / width);
  return (double)im2col_residues(plan) *
         (rows * steps * tile.row_cycles +
          tile_reload_cycles(machine, &tile, steps, rows, plan->out_blocks,
                             query->block));
}

size_t im2col_match(struct match_query *query, const struct op_def *op,
                    struct node *node, struct node **nodes, size_t capacity) {
  struct im2col_plan plan;
  if (node->op != op || capacity < 1)
    return match_decline(query, "another operator");
  const char *reason =
      im2col_plan_read(query->machine, query->block, node, &plan);
  if (reason)
    return match_decline(query, reason);
  if (plan.cycles >= ADVANTAGE * direct_cycles(query, node, &plan))
    return match_decline(query, "gathering places would gain too little");
  nodes[0] = node;
  return 1;
}

void im2col_demand(const struct match_query *query, const struct group *group,
                   const struct node *node, size_t input, struct demand *out) {
  (void)group;
  struct im2col_plan plan;
  if (input != 0 ||
      im2col_plan_read(query->machine, query->block, node, &plan)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  const struct window2d *gather = &plan.gather;
  for (size_t axis = 0; axis < 2; axis++) {
    int64_t last = (plan.extent[axis] - 1) * gather->stride[axis] +
                   (gather->kernel[axis] - 1) * gather->dilation[axis] -
                   gather->before[axis];
    int64_t past = last - value_dim(node->inputs[0], 2 + axis) + 1;
    out->before[2 + axis] = gather->before[axis] > 0 ? gather->before[axis] : 0;
    out->after[2 + axis] = past > 0 ? past : 0;
  }
}

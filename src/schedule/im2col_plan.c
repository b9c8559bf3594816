/* SPDX-License-Identifier: Apache-2.0 */
/* Whether gathering places pays: cycles of one core for it and for direct
 * convolution. */
#include "schedule/im2col_plan.h"

/* It must be this much better than direct convolution, whose cost is known
 * better. */
#define ADVANTAGE 0.93
/* For each vector that is gathered, of a part, and of the result. */
#define GATHER_CYCLES 4
#define PART_CYCLES 1.5
#define RESULT_CYCLES 4

/* ---- What fits ----------------------------------------------------------- */
/* As many blocks of input channels as have a tile's weights in the L1 cache,
 * besides the places that pass by. */
static int64_t chunk_choose(const struct machine *machine,
                            const struct im2col_plan *plan, int64_t block) {
  int64_t bytes = plan->taps * block * plan->tile.blocks * block * 4;
  return tile_divisor(plan->in_blocks, machine->l1_bytes * 6 / 10 / bytes);
}

/* A chunk's places, and the parts of a tile's channels, stay in the L2 cache
 * together; the places of all channels in half of the L3 cache. */
static bool is_small(const struct machine *machine,
                     const struct im2col_plan *plan, int64_t block) {
  double channel_bytes = 4.0 * (double)(plan->batch * plan->height) *
                         (double)plan->width * (double)block;
  double chunk_bytes = channel_bytes * (double)(plan->taps * plan->chunk);
  double chunks = (double)(plan->in_blocks / plan->chunk);
  double part_bytes = channel_bytes * (double)plan->tile.blocks * chunks;
  int64_t last = machine->l3_bytes > machine->l2_bytes ? machine->l3_bytes
                                                       : machine->l2_bytes;
  return chunk_bytes + part_bytes <= 0.75 * (double)machine->l2_bytes &&
         chunk_bytes * chunks <= (double)last / 2;
}

static double plan_cycles(const struct im2col_plan *plan, int64_t block) {
  double steps = (double)(plan->taps * plan->in_blocks * block);
  double gathered = (double)(plan->places * plan->taps * plan->in_blocks);
  double results = (double)(plan->places * plan->out_blocks);
  double parts = results * (double)(plan->in_blocks / plan->chunk);
  return steps * plan->tile.row_cycles + GATHER_CYCLES * gathered +
         PART_CYCLES * parts + RESULT_CYCLES * results + TILE_BARRIER_CYCLES;
}

const char *im2col_plan_read(const struct machine *machine, int64_t block,
                             const struct node *node,
                             struct im2col_plan *plan) {
  *plan = (struct im2col_plan){0};
  struct window2d *window = &plan->window;
  if (!window2d_of_conv(node, window) || window->groups != 1)
    return "not a 2-d fp32 convolution of one group with constant weights";
  const struct value *out = node->outputs[0];
  plan->batch = value_dim(out, 0);
  plan->height = value_dim(out, 2);
  plan->width = value_dim(out, 3);
  if (plan->batch < 1 || plan->height < 1 || plan->width < 1)
    return "open extents";
  if (window->in_channels < block || window->out_channels < block)
    return "fewer channels than a block";
  plan->places = plan->batch * plan->height * plan->width;
  if (plan->places == 1)
    return "one place, which tiles have no loop over";
  plan->taps = window->kernel[0] * window->kernel[1];
  plan->in_blocks = ceil_div(window->in_channels, block);
  plan->out_blocks = ceil_div(window->out_channels, block);
  plan->tile =
      tile_choose(machine, plan->places, plan->out_blocks, TILE_MOST_BLOCKS);
  plan->chunk = chunk_choose(machine, plan, block);
  if (!is_small(machine, plan, block))
    return "an image whose places the caches would not hold";
  plan->cycles = plan_cycles(plan, block);
  return NULL;
}

/* ---- Direct convolution -------------------------------------------------- */
static bool reads_halo(const struct node *node) {
  struct window2d conv;
  if (node->op == &op_conv)
    return !window2d_of_conv(node, &conv) || conv.kernel[0] > 1 ||
           conv.kernel[1] > 1;
  return node->op == &op_conv_transpose || node->op == &op_max_pool ||
         node->op == &op_average_pool;
}

/* Whether nobody wants zeros around what is computed along with the value, or
 * around what that lies in: concatenations, and parts of channels. Then direct
 * convolution may have rows of any length (schedule/regroup.h). Looks at as
 * many users as `budget` says, and takes the rest for such. */
static bool stays_dense(const struct graph_users *users,
                        const struct value *value, int *budget) {
  size_t count = users->counts[value->id];
  for (size_t i = 0; i < count; i++) {
    if (--*budget < 0)
      return true;
    const struct node *user = users->nodes[value->id][i];
    bool follows = user->op == &op_concat || user->op == &op_slice ||
                   (count == 1 && user->op->fusion == FUSION_ELEMENTWISE);
    if (reads_halo(user) ||
        (follows && !stays_dense(users, user->outputs[0], budget)))
      return false;
  }
  return true;
}

static double direct_cycles(const struct match_query *query,
                            const struct node *node,
                            const struct im2col_plan *plan) {
  enum { MOST_USERS = 64 };
  const struct machine *machine = query->machine;
  int64_t width = plan->width;
  int budget = MOST_USERS;
  if (window2d_is_pointwise(&plan->window) &&
      stays_dense(query->users, node->outputs[0], &budget))
    width = tile_row_length(machine, plan->height, width, plan->out_blocks);
  double steps = (double)(plan->taps * window2d_summed(plan->window.in_channels,
                                                       query->block));
  return tile_direct_cycles(machine, (double)(plan->places / width), width,
                            steps, plan->out_blocks, query->block,
                            TILE_MOST_BLOCKS);
}

double im2col_plan_others(const struct match_query *query,
                          const struct node *node) {
  struct im2col_plan plan;
  const char *reason =
      im2col_plan_read(query->machine, query->block, node, &plan);
  double direct = direct_cycles(query, node, &plan);
  return reason == NULL && plan.cycles < ADVANTAGE * direct ? plan.cycles
                                                            : direct;
}

bool im2col_plan_gains(const struct match_query *query, const struct node *node,
                       const struct im2col_plan *plan) {
  return plan->cycles < ADVANTAGE * direct_cycles(query, node, plan);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles of one core for the products, for spreading the input and adding up,
 * and for what goes through the caches, for each number of rows in a group. */
#include "schedule/strassen_plan.h"

#include "schedule/im2col_plan.h"

/* It must be this much better than what would be taken otherwise. */
#define ADVANTAGE 0.975
/* What that takes more than its own model says. */
#define OTHERS 1.06

/* As measured: to read four vectors and write their seven sums, and for each
 * result, where seven products are read for two; by itself, and for lines of 64
 * bytes that go to the L2 cache and back. To write a product. */
#define SPREAD_CYCLES 8
#define SPREAD_LINE_CYCLES 52
#define RESULT_CYCLES 3
#define RESULT_LINE_CYCLES 3
#define PRODUCT_CYCLES 1.5
/* What of a transfer from a further cache is not hidden. */
#define SHOWN 0.3

static const char *read_node(const struct node *node, int64_t block,
                             struct strassen_plan *plan) {
  struct window2d *window = &plan->window;
  if (!window2d_of_conv(node, window) || window->groups != 1)
    return "not a 2-d fp32 convolution of one group with constant weights";
  for (int axis = 0; axis < 2; axis++)
    if (window->kernel[axis] != 1 || window->before[axis] != 0 ||
        window->after[axis] != 0)
      return "more than one tap, or padding";
  const struct value *out = node->outputs[0];
  plan->batch = value_dim(out, 0);
  plan->height = value_dim(out, 2);
  plan->width = value_dim(out, 3);
  if (plan->batch < 1 || plan->height < 1 || plan->width < 1)
    return "open extents";
  if (plan->width < 3) /* a row is a group at least */
    return "too few places to halve";
  if (window->in_channels % (2 * block) != 0 ||
      window->out_channels % (2 * block) != 0)
    return "channels of which no half fills blocks";
  plan->half_inputs = window->in_channels / (2 * block);
  plan->half_outputs = window->out_channels / (2 * block);
  return NULL;
}

/* What is to be seen of fetching weights meanwhile: nothing of a little, half
 * of as much as there is to compute. */
static double not_hidden(double fetch, double cycles) {
  return fetch < cycles ? 0.5 * fetch * fetch / cycles : fetch - 0.5 * cycles;
}

static double plan_cycles(const struct machine *machine, int64_t block,
                          const struct strassen_plan *plan, bool is_behind) {
  double steps = (double)(STRASSEN_PRODUCTS * plan->half_inputs * block);
  double halves = (double)plan->half_places, lines = (double)block / 16;
  double results =
      (double)(plan->group * plan->width * 2) * (double)plan->half_outputs;
  double spread_bytes = 4 * steps * halves;
  double near_bytes = is_behind ? spread_bytes * 11 / 7 : spread_bytes;
  double weight_bytes = 4 * steps * (double)(plan->half_outputs * block);
  double tiles = (double)(plan->half_outputs / plan->tile.blocks);
  double cycles =
      steps * plan->tile.row_cycles +
      (SPREAD_CYCLES + SPREAD_LINE_CYCLES * lines) * halves *
          (double)plan->half_inputs +
      (RESULT_CYCLES + RESULT_LINE_CYCLES * lines) * results +
      PRODUCT_CYCLES * STRASSEN_PRODUCTS * halves * (double)plan->half_outputs +
      SHOWN * tiles * spread_bytes / tile_work_rate(machine, near_bytes);
  if (plan->is_shared) {
    double fetch = weight_bytes / machine->weights_bytes_per_cycle;
    cycles *= tile_unevenness(machine, plan->half_outputs / plan->tile.blocks);
    return cycles + not_hidden(fetch, cycles) +
           tile_exchange_cycles(machine, spread_bytes);
  }
  cycles += SHOWN * weight_bytes / tile_work_rate(machine, weight_bytes);
  return cycles * (double)plan->groups * tile_unevenness(machine, plan->groups);
}

const char *strassen_plan_make(const struct machine *machine, int64_t block,
                               const struct node *node, bool is_behind,
                               struct strassen_plan *out) {
  struct strassen_plan plan = {.group = 0};
  const char *reason = read_node(node, block, &plan);
  if (reason)
    return reason;
  out->cycles = 0;
  for (plan.group = 1; plan.group <= plan.height; plan.group++) {
    if (plan.height % plan.group != 0)
      continue;
    plan.groups = plan.batch * (plan.height / plan.group);
    plan.is_shared = plan.groups == 1 && !is_behind;
    plan.half_places = ceil_div(plan.group * plan.width, 2);
    plan.tile = tile_choose(machine, plan.half_places, plan.half_outputs,
                            TILE_MOST_BLOCKS);
    plan.cycles = plan_cycles(machine, block, &plan, is_behind);
    if (out->cycles == 0 || plan.cycles < out->cycles)
      *out = plan;
  }
  return NULL;
}

double strassen_gain(const struct match_query *query, const struct node *node,
                     bool is_behind, const char **reason) {
  struct strassen_plan plan;
  *reason =
      strassen_plan_make(query->machine, query->block, node, is_behind, &plan);
  if (!query->winograd)
    *reason = "--no-winograd was given";
  if (*reason)
    return 0;
  double others = OTHERS * im2col_plan_others(query, node);
  if (plan.cycles < ADVANTAGE * others)
    return others - plan.cycles;
  *reason = "additions and larger weights cost more than the multiplications "
            "saved";
  return 0;
}

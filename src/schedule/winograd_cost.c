/* SPDX-License-Identifier: Apache-2.0 */
/* Weights are 4 (F(4,3)) or 1.8 times (F(2,3)) as large as the kernel's own and
 * come from memory once, since the weights of a network don't stay in a cache
 * from one run to the next; so small images of many channels are bound by them.
 * All factors were measured. */
#include "schedule/winograd_cost.h"

#include "schedule/im2col_plan.h"

/* What gathering places takes more than its own model says. */
#define GATHERED 1.3
/* Cycles that each byte must save by which weights become larger: they take
 * memory, and caches and bandwidth from others. */
#define BYTE_PRICE 0.08
/* Code for several cores also runs on one, where cores exchange nothing. */
#define SEVERAL_CORES 0.5
/* What transforms take more than their arithmetic and stores. */
#define TRANSFORMS 1.3

static int64_t images_of(const struct winograd_plan *plan) {
  return plan->batch > 0 ? plan->batch : 1;
}

/* Of all phases and images, with what lies around them. */
static double input_elements(const struct winograd_plan *plan) {
  return (double)images_of(plan) *
         (double)(winograd_places(plan, 0) * winograd_places(plan, 1)) *
         (double)plan->channels;
}

/* ---- Otherwise ----------------------------------------------------------- */
/* Direct convolution. A transposed one's phases are convolutions of images that
 * much smaller. */
static double direct_cycles(const struct machine *machine,
                            const struct node *node,
                            const struct winograd_plan *plan) {
  const struct window2d *window = &plan->window;
  double taps =
      (double)(plan->is_transposed ? plan->taps[0] * plan->taps[1]
                                   : window->kernel[0] * window->kernel[1]);
  int64_t channels = window->in_channels;
  double steps =
      taps * (double)(plan->gathers ? channels
                                    : window2d_summed(channels, plan->block));
  double images = (double)images_of(plan), phases = 1;
  int64_t height = value_dim(node->outputs[0], 2);
  int64_t width = value_dim(node->outputs[0], 3);
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

double winograd_cost_otherwise(const struct machine *machine,
                               const struct node *node,
                               const struct winograd_plan *plan) {
  struct im2col_plan gathered;
  double cycles = direct_cycles(machine, node, plan);
  if (im2col_plan_read(machine, plan->block, node, &gathered))
    return cycles;
  double gathering = GATHERED * gathered.cycles;
  return gathering < cycles ? gathering : cycles;
}

/* ---- Transforms ---------------------------------------------------------- */
/* Of one position in one block: arithmetic, and a store for each element of the
 * result, and for most of those between. */
static double input_cycles(const struct machine *machine,
                           const struct winograd_plan *plan) {
  const struct winograd_transform *y = &plan->transform[0],
                                  *x = &plan->transform[1];
  int operations = x->reach * winograd_operations(&y->input) +
                   y->reach * winograd_operations(&x->input);
  return operations / machine->fma_per_cycle +
         1.5 * (double)winograd_points(plan);
}
static double output_cycles(const struct machine *machine,
                            const struct winograd_plan *plan) {
  const struct winograd_transform *y = &plan->transform[0],
                                  *x = &plan->transform[1];
  int operations = x->reach * winograd_operations(&y->output) +
                   y->tile * winograd_operations(&x->output);
  return operations / machine->fma_per_cycle + (double)winograd_points(plan);
}

/* To gather phases: places of one channel by one. */
static double gather_cycles(const struct winograd_plan *plan) {
  return plan->gathers ? 1.5 * input_elements(plan) : 0;
}

static double transform_cycles(const struct machine *machine,
                               const struct winograd_plan *plan,
                               double positions) {
  return gather_cycles(plan) +
         TRANSFORMS * positions *
             ((double)plan->in_blocks * input_cycles(machine, plan) +
              (double)plan->product_blocks * output_cycles(machine, plan));
}

/* ---- Products ------------------------------------------------------------ */
static double out_channels(const struct winograd_plan *plan) {
  return (double)(plan->product_blocks * plan->block);
}

static double weight_bytes(const struct winograd_plan *plan) {
  return (double)(winograd_points(plan) * plan->channels) * out_channels(plan) *
         4;
}

/* What lies between the transforms and the products of so many positions, of
 * so many channels. */
static double bytes_between(const struct winograd_plan *plan, double positions,
                            double channels) {
  return positions * (double)winograd_points(plan) * 4 * channels;
}

/* The share of what is gone through that does not stay in the L2 cache: all of
 * it from its size on, none below two thirds, as other data pass by. */
static double outside_share(const struct machine *machine, double bytes) {
  double share = 3 * bytes / (double)machine->l2_bytes - 2;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* Output channels whose products rows use up at once: those of a tile, which
 * has two blocks at most. */
static double few_channels(const struct winograd_plan *plan) {
  double few = 2 * (double)plan->block, outs = out_channels(plan);
  return few < outs ? few : outs;
}

/* Where weights come from that are needed again, in rows: the share that does
 * not stay in the L2 cache beside what the products read and write, and bytes
 * per cycle of that and of all. */
struct again {
  double outside, far, rate;
};
static struct again again_of(const struct machine *machine,
                             const struct winograd_plan *plan,
                             double together) {
  double weights = weight_bytes(plan);
  double far = weights < 0.5 * (double)machine->l3_share_bytes
                   ? machine->l3_bytes_per_cycle
                   : machine->memory_bytes_per_cycle;
  double near = machine->l2_bytes_per_cycle, outside;
  if (machine->asks_ahead) {
    near /= 2; /* the other half goes to the rest */
    outside =
        outside_share(machine, weights + bytes_between(plan, together,
                                                       (double)plan->channels +
                                                           few_channels(plan)));
  } else {
    outside = weights < 0.75 * (double)machine->l2_bytes ? 0 : 1;
  }
  return (struct again){outside, far,
                        1 / (outside / far + (1 - outside) / near)};
}

/* The tile of the products, of so many positions together. Weights come from
 * memory once, then from where they stay. */
static struct tile product_tile(const struct machine *machine,
                                const struct winograd_plan *plan,
                                double positions) {
  double block_bytes = (double)plan->block * 4;
  int64_t rows = plan->rows, all_rows = plan->tiles[0] * plan->batch;
  int64_t together = plan->tiles[1] * (rows > 0 ? rows : all_rows);
  double rate = rows == 0 || rows == all_rows
                    ? machine->weights_bytes_per_cycle
                    : again_of(machine, plan, positions).rate;
  return tile_choose_streamed(machine, together > 0 ? together : -1,
                              plan->out_blocks, TILE_MOST_BLOCKS,
                              machine->asks_ahead ? block_bytes / rate : 0);
}

/* The products and what is not hidden of fetching their weights, which rows
 * fetch once for each pass. */
static double product_cycles(const struct machine *machine,
                             const struct winograd_plan *plan, double passes,
                             double together) {
  double steps = (double)(winograd_points(plan) * plan->channels);
  double cycles = steps * passes *
                  (double)(plan->product_blocks / plan->out_blocks) *
                  plan->tile.row_cycles;
  double weights = weight_bytes(plan);
  double first = weights / machine->weights_bytes_per_cycle;
  struct again again = again_of(machine, plan, together);
  if (machine->asks_ahead) {
    /* The tile's cycles have them come at their rate, where they are needed
     * again at that rate; rows jump from one part of them to the next. */
    double far = passes > 1 ? weights * again.outside / again.far : first;
    double slower = first > far ? first - far : 0;
    double jumping = passes > 1 ? (passes - 1) * far : plan->rows > 0 ? far : 0;
    return 1.03 * cycles + 0.6 * slower + 0.2 * jumping;
  }
  cycles *= 1.2;
  if (plan->rows > 0)
    return cycles + first + (passes - 1) * weights / again.rate;
  return cycles > first ? cycles + 0.35 * first : first + 0.35 * cycles;
}

/* ---- Traffic ------------------------------------------------------------- */
/* What is not hidden of it. In steps all is written and read once. */
static double steps_traffic(const struct machine *machine,
                            const struct winograd_plan *plan,
                            double positions) {
  double channels = (double)plan->channels, outs = out_channels(plan);
  double between = bytes_between(plan, positions, channels + outs);
  double weights = 2 * channels * outs * 4; /* one point's and the next's */
  double outside = outside_share(machine, between + weights);
  double far = tile_far_rate(machine, between);
  double near = machine->l2_bytes_per_cycle;
  return 0.7 * 2 * between * (outside / far + (1 - outside) / near);
}

/* In rows, with the products of a few channels go their weights and all of the
 * spread input through the L2 cache, again and again. */
static double rows_traffic(const struct machine *machine,
                           const struct winograd_plan *plan, double passes,
                           double together) {
  double outs = out_channels(plan), few = few_channels(plan);
  double in = bytes_between(plan, together, (double)plan->channels);
  double out = bytes_between(plan, together, few), times = outs / few;
  double outside =
      outside_share(machine, in + out + weight_bytes(plan) / times);
  double filled = (in + out) / (double)machine->l2_bytes;
  return passes *
         (0.6 * outside * (in + times * (in + 2 * out)) /
              machine->l3_bytes_per_cycle +
          2 * filled * (in + times * out) / machine->l2_bytes_per_cycle);
}

/* Either on machines whose caches bring in time what is wanted. */
static double hidden_traffic(const struct machine *machine,
                             const struct winograd_plan *plan, double passes,
                             double together) {
  double channels = (double)plan->channels, outs = out_channels(plan);
  double between =
      bytes_between(plan, together, channels + (plan->rows > 0 ? 32 : outs));
  double alive =
      plan->rows > 0
          ? between
          : bytes_between(plan, together, outs > channels ? outs : channels);
  return 1.5 * 2 * passes * between / tile_work_rate(machine, alive);
}

static double traffic_cycles(const struct machine *machine,
                             const struct winograd_plan *plan, double passes,
                             double together) {
  return !machine->asks_ahead ? hidden_traffic(machine, plan, passes, together)
         : plan->rows > 0     ? rows_traffic(machine, plan, passes, together)
                              : steps_traffic(machine, plan, together);
}

/* An input that is larger than the L2 cache was left in the next one. */
static double read_cycles(const struct machine *machine,
                          const struct winograd_plan *plan) {
  double bytes = input_elements(plan) * 4;
  return machine->asks_ahead ? 0.7 * outside_share(machine, bytes) * bytes /
                                   machine->l3_bytes_per_cycle
                             : 0;
}

/* In steps a core goes on with what others computed: of the same points instead
 * of the same places, then of the same places again. What has left their caches
 * is no further away than its own. */
static double exchange_cycles(const struct machine *machine,
                              const struct winograd_plan *plan,
                              double positions) {
  double bytes = bytes_between(plan, positions,
                               (double)plan->channels + out_channels(plan));
  if (machine->cores == 1 || plan->rows > 0)
    return 0;
  if (machine->asks_ahead)
    bytes *= 1 - outside_share(machine, bytes);
  double barriers = 2 * (double)machine->cores; /* one is in the exchange */
  return tile_exchange_cycles(machine, bytes) +
         (barriers - 1) * TILE_BARRIER_CYCLES;
}

static double larger_weights(const struct winograd_plan *plan) {
  double grown =
      (double)(winograd_points(plan) - plan->taps[0] * plan->taps[1]);
  return BYTE_PRICE * 4 * grown * (double)plan->channels * out_channels(plan);
}

void winograd_cost(const struct machine *machine, struct winograd_plan *plan) {
  int64_t images = images_of(plan);
  double positions = (double)(images * plan->tiles[0] * plan->tiles[1]);
  double together =
      plan->rows > 0 ? (double)(plan->rows * plan->tiles[1]) : positions;
  double passes = positions / together;
  plan->tile = product_tile(machine, plan, together);
  double cycles = product_cycles(machine, plan, passes, together) +
                  transform_cycles(machine, plan, positions) +
                  read_cycles(machine, plan) +
                  traffic_cycles(machine, plan, passes, together);
  if (plan->rows > 0)
    cycles *= tile_unevenness(machine, plan->tiles[0] / plan->rows * images);
  plan->exchange = SEVERAL_CORES * exchange_cycles(machine, plan, positions);
  plan->cycles = cycles + larger_weights(plan) + plan->exchange;
}

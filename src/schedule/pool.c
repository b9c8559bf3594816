/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/pool.h"

#include "op/reduce.h"
#include "schedule/tile.h"

#define MOST_TAPS 25 /* larger windows are unrolled by their columns only */

bool pool_is(const struct node *node) {
  return node->op == &op_max_pool || node->op == &op_average_pool;
}

static bool is_global_op(const struct op_def *op) {
  return op == &op_reduce_mean || op == &op_reduce_sum ||
         op == &op_reduce_max || op == &op_reduce_min;
}

bool pool_is_global(const struct node *node) {
  bool reduced[4];
  if (!is_global_op(node->op) || node->inputs[0]->rank != 4 ||
      node->outputs[0]->rank != 4)
    return false;
  node_reduced_axes(node, reduced);
  return !reduced[0] && !reduced[1] && reduced[2] && reduced[3];
}

struct window pool_window(const struct node *node) {
  if (pool_is(node))
    return node_window(node);
  const struct value *image = node->inputs[0];
  return (struct window){.rank = 2,
                         .kernel = {value_dim(image, 2), value_dim(image, 3)},
                         .stride = {1, 1},
                         .dilation = {1, 1}};
}

static int64_t widest_tile(const struct builder *builder,
                           const struct node *node) {
  struct window window = node_window(node);
  return tile_window_widest(builder->machine, window_reach(&window, 1) - 1,
                            window.stride[1], 1);
}

size_t pool_space_columns(const struct builder *builder,
                          const struct node *node, int64_t *values,
                          size_t capacity) {
  return tile_window_space(widest_tile(builder, node), values, capacity);
}

int64_t pool_choose_columns(const struct builder *builder,
                            const struct node *node) {
  return tile_window_choose(value_dim(node->outputs[0], 3),
                            widest_tile(builder, node));
}

enum adze_status pool_schedule(struct builder *builder,
                               struct schedule *schedule,
                               const struct node *node,
                               const struct stage *anchor, struct statement *x,
                               struct statement *column,
                               struct statement *lane) {
  static const char *const whole[] = {"r0", "r1", NULL};
  static const char *const columns[] = {"r1", NULL};
  struct window window = node_window(node);
  bool is_small = window.kernel[0] <= MOST_TAPS &&
                  window.kernel[1] <= MOST_TAPS &&
                  window.kernel[0] * window.kernel[1] <= MOST_TAPS;
  struct reduce_plan plan = {
      .unrolled = is_small                        ? whole
                  : window.kernel[1] <= MOST_TAPS ? columns
                                                  : NULL,
      .factor = 1,
      .lanes = builder->block,
  };
  TRY(schedule_partition(schedule, x));
  TRY(common_reduce_at(
      schedule, schedule_block(schedule, anchor->name, BLOCK_WHOLE), x, &plan));
  TRY(schedule_unroll(schedule, column));
  return schedule_vectorize(schedule, lane);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/pool.h"

#include "op/window.h"

#define MOST_TAPS 25 /* larger windows are unrolled by their columns only */

bool pool_is(const struct node *node) {
  return node->op == &op_max_pool || node->op == &op_average_pool;
}

/* A row of accumulators, the elements they share, and one to spare. */
static int64_t widest_tile(const struct builder *builder,
                           const struct node *node) {
  struct window window = node_window(node);
  int64_t reach = window_reach(&window, 1) - 1;
  int64_t registers = builder->machine->vector_registers - 1;
  int64_t columns =
      (registers - reach + window.stride[1] - 1) / (1 + window.stride[1]);
  return columns < 1 ? 1 : columns;
}

size_t pool_space_columns(const struct builder *builder,
                          const struct node *node, int64_t *values,
                          size_t capacity) {
  size_t count = 0;
  for (int64_t v = 1; v <= widest_tile(builder, node) && count < capacity; v++)
    values[count++] = v;
  return count;
}

int64_t pool_choose_columns(const struct builder *builder,
                            const struct node *node) {
  int64_t width = value_dim(node->outputs[0], 3), best = 0, chosen = 1;
  if (width < 1)
    width = 840; /* open: any tile divides it */
  for (int64_t columns = 1;
       columns <= widest_tile(builder, node) && columns <= width; columns++) {
    /* Whole tiles and a partial one, each with the cost of two columns more. */
    int64_t cost = (width / columns) * (columns + 2) +
                   (width % columns ? width % columns + 2 : 0);
    if (best == 0 || cost <= best) {
      best = cost;
      chosen = columns;
    }
  }
  return chosen;
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

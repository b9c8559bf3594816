/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum and average pooling on channel blocks.
 *
 * A tile is some columns of one row of the result, a vector each, so that the
 * running maxima don't wait for one another; the window is unrolled, so that
 * neighbouring columns share loads.
 *
 * What lies outside the operand must not count. A sum may well read the zeros
 * of a halo, and so may a maximum of what is never below zero (behind a relu):
 * there the operand gets a halo, and no window is tested at all. Any other
 * maximum keeps the operator's tests.
 *
 * Elementwise nodes before windows that share no element are computed where
 * these read; what lies outside is not theirs to make, so tests are kept.
 */
#include "op/window.h"
#include "schedule/pointwise.h"
#include "schedule/pool.h"

#define DEPTH 6 /* producers looked at to find what is never negative */

static bool is_never_negative(const struct value *value, int depth) {
  const struct node *node = value->producer;
  if (!node || depth == 0)
    return false;
  if (node->op == &op_relu || node->op == &op_sigmoid || node->op == &op_abs ||
      node->op == &op_exp)
    return true;
  if (node->op == &op_clip)
    return node_float(node, "min") >= 0;
  if (node->op != &op_concat && node->op != &op_identity &&
      node->op != &op_add && node->op != &op_min && !pool_is(node))
    return false;
  for (size_t i = 0; i < node->input_count; i++)
    if (!is_never_negative(node->inputs[i], depth - 1))
      return false;
  return true;
}

/* How far the windows of an axis reach behind the operand. False where that is
 * not known, or where a window stands wholly outside: nothing is its maximum.
 * Only a step that ceil_mode adds does. */
static bool find_overhang(const struct node *node, const struct window *window,
                          size_t axis, int64_t *out) {
  int64_t in = value_dim(node->inputs[0], 2 + axis);
  int64_t last = value_dim(node->outputs[0], 2 + axis) - 1;
  *out = window->after[axis];
  if (node_int(node, "ceil_mode") == 0)
    return true;
  if (in < 0 || last < 0)
    return false;
  int64_t start = last * window->stride[axis] - window->before[axis];
  int64_t end = start + window_reach(window, axis);
  *out = end > in ? end - in : 0;
  return start < in;
}

/* Whether zeros around the operand do instead of tests; *halo gets how many. */
static bool takes_halo(const struct node *node, struct demand *halo) {
  struct window window = node_window(node);
  struct demand found = *halo;
  if (node->op == &op_max_pool && !is_never_negative(node->inputs[0], DEPTH))
    return false;
  for (size_t i = 0; i < window.rank; i++) {
    found.before[2 + i] = window.before[i];
    if (!find_overhang(node, &window, i, &found.after[2 + i]))
      return false;
  }
  *halo = found;
  return true;
}

/* ---- Elementwise nodes before it ----------------------------------------- */
/* Windows side by side read no element twice. */
static bool is_disjoint(const struct node *node) {
  struct window window = node_window(node);
  for (size_t i = 0; i < window.rank; i++)
    if (window.stride[i] < window_reach(&window, i))
      return false;
  return true;
}

/* The operand that is no constant. */
static const struct value *operand_of(const struct node *node) {
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] && !node->inputs[i]->constant)
      return node->inputs[i];
  return NULL;
}

/* Elementwise nodes from `node` on, and the pooling that alone uses what they
 * make, of values of one shape. Its index, or 0. */
static size_t find_chain(const struct graph_users *users, struct node *node,
                         struct node **nodes, size_t capacity) {
  size_t count = 1;
  nodes[0] = node;
  struct node *pool = pointwise_chain(users, nodes, capacity, &count);
  if (!pool || !pool_is(pool) || count == capacity ||
      pool->inputs[0] != nodes[count - 1]->outputs[0] || !is_disjoint(pool))
    return 0;
  for (size_t i = 0; i < count; i++) {
    const struct value *x = operand_of(nodes[i]);
    if (x->dtype != ADZE_F32 || !value_same_shape(x, pool->inputs[0]))
      return 0;
  }
  nodes[count] = pool;
  return count;
}

/* ---- Match --------------------------------------------------------------- */
static const struct node *pool_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

static size_t pool_match(struct match_query *query, struct node *node,
                         struct node **nodes, size_t capacity) {
  size_t last = 0;
  if (capacity < 1)
    return match_decline(query, "no room");
  nodes[0] = node;
  if (pointwise_is_between(node))
    last = find_chain(query->users, node, nodes, capacity);
  if (!pool_is(nodes[last]))
    return match_decline(query, "not pooling");
  const struct value *x = nodes[last]->inputs[0];
  if (x->rank != 4 || x->dtype != ADZE_F32)
    return match_decline(query, "not 2-d or not fp32");
  if (value_dim(x, 1) * 2 < query->block)
    return match_decline(query, "too few channels for a block");
  return last + 1;
}

static void pool_demand(const struct match_query *query,
                        const struct group *group, const struct node *node,
                        size_t input, struct demand *out) {
  (void)query;
  const struct node *first = group->nodes.data[0];
  if (node != first || node->inputs[input] != operand_of(first)) {
    out->any = true;
    return;
  }
  out->blocked = true;
  if (first == pool_of(group))
    takes_halo(node, out);
}

/* The load that a test of the window guards. */
static const struct expr *drop_test(void *context, const struct expr *node) {
  const struct buffer *in = context;
  bool guards = node->kind == EXPR_SELECT && node->args[1]->kind == EXPR_LOAD &&
                node->args[1]->buffer == in;
  return guards ? node->args[1] : node;
}

static enum adze_status pool_express(struct builder *builder) {
  const struct group *group = builder->group;
  const struct node *pool = pool_of(group);
  struct demand halo = {.any = false};
  for (size_t i = 0; i < group->anchor_count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  struct stage *stage = builder->stages.data[0];
  if (group->anchor_count == 1 && takes_halo(pool, &halo))
    stage->body = expr_map(builder->pool, stage->body, drop_test,
                           builder_buffer(builder, pool->inputs[0]));
  return ADZE_OK;
}

static const char *const pool_knobs[] = {"columns", NULL};

static size_t pool_space(const struct builder *builder, size_t knob,
                         int64_t *values, size_t capacity) {
  (void)knob;
  return pool_space_columns(builder, pool_of(builder->group), values, capacity);
}

static void pool_choose(const struct builder *builder, int64_t *knobs) {
  knobs[0] = pool_choose_columns(builder, pool_of(builder->group));
}

static enum adze_status pool_apply(struct builder *builder,
                                   struct schedule *schedule,
                                   const int64_t *knobs) {
  size_t first = 0;
  while (builder->stages.data[first]->reduce == REDUCE_NONE)
    first++;
  const struct stage *anchor = builder->stages.data[first];
  const struct stage *last = builder->stages.data[builder->stages.count - 1];
  struct statement *write, *loops[LOOP_MAX_RANK], *x, *column;
  TRY(common_inline_elementwise(builder, schedule));
  TRY(common_writer(schedule, anchor, last, &write));
  size_t count =
      schedule_loops_around(schedule, write, loops, ARRAY_COUNT(loops));
  check(count == 5);
  TRY(schedule_split(schedule, loops[3], knobs[0], &x, &column));
  TRY(pool_schedule(builder, schedule, pool_of(builder->group), anchor, x,
                    column, loops[4]));
  return common_parallel(schedule, loops, 3);
}

const struct template template_pool_window = {
    .name = "pool_window",
    .summary = "2-d pooling on channel blocks in row tiles",
    .output_blocked = true,
    .match = pool_match,
    .demand = pool_demand,
    .express = pool_express,
    .knobs = pool_knobs,
    .space = pool_space,
    .choose = pool_choose,
    .apply = pool_apply,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* A 1x1 convolution and the average pooling of what it makes may change places:
 * both are sums, one over channels and one over places. A pooling with a stride
 * goes first, since it leaves fewer places to convolve; a mean of the bias is
 * the bias, unless padding counts in the mean.
 */
#include "op/window.h"
#include "pass/pass.h"

static bool is_pointwise(const struct node *conv) {
  struct window window = node_window(conv);
  for (size_t axis = 0; axis < window.rank; axis++)
    if (window.kernel[axis] != 1 || window.stride[axis] != 1 ||
        window.before[axis] != 0 || window.after[axis] != 0)
      return false;
  return true;
}

/* Whether there are fewer places after it: a stride along some axis, and no
 * padding along another that would make it longer. */
static bool shrinks(const struct node *pool) {
  struct window window = node_window(pool);
  bool has_stride = false;
  for (size_t axis = 0; axis < window.rank; axis++) {
    int64_t padding = window.before[axis] + window.after[axis];
    has_stride = has_stride || window.stride[axis] > 1;
    if (window.stride[axis] == 1 && padding >= window_reach(&window, axis))
      return false;
  }
  return has_stride;
}

static bool counts_padding(const struct node *pool) {
  struct window window = node_window(pool);
  for (size_t axis = 0; axis < window.rank; axis++)
    if (window.before[axis] + window.after[axis] > 0)
      return node_int(pool, "count_include_pad") != 0;
  return false;
}

/* The convolution whose result only this pooling uses, or NULL. */
static const struct node *conv_before(const struct graph_users *users,
                                      const struct node *pool) {
  const struct value *x = pool->inputs[0];
  const struct node *conv = x->producer;
  bool is_conv = conv && conv->op == &op_conv && is_pointwise(conv);
  if (!is_conv || !graph_only_user(users, x))
    return NULL;
  bool has_bias = conv->input_count > 2 && conv->inputs[2];
  return has_bias && counts_padding(pool) ? NULL : conv;
}

/* `node` again, with its first operand replaced by `x`. */
static enum adze_status repeat_with(struct graph *graph,
                                    const struct node *node, struct value *x,
                                    struct value **out,
                                    struct adze_error *error) {
  struct node *copy = graph_add_node(graph, node->op, node->name, node->inputs,
                                     node->input_count, 1);
  copy->attributes = node->attributes;
  copy->inputs[0] = x;
  TRY(node_infer(graph, copy, error));
  *out = copy->outputs[0];
  return ADZE_OK;
}

enum adze_status pass_pool_first(struct graph *graph,
                                 struct adze_error *error) {
  struct graph_users users = graph_find_users(graph, graph->arena);
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  size_t nodes = graph->nodes.count;
  for (size_t i = 0; i < nodes; i++) {
    const struct node *pool = graph->nodes.data[i];
    const struct node *conv;
    struct value *out;
    if (pool->op != &op_average_pool || !shrinks(pool) ||
        !(conv = conv_before(&users, pool)))
      continue;
    TRY(repeat_with(graph, pool, conv->inputs[0], &out, error));
    TRY(repeat_with(graph, conv, out, &out, error));
    graph_rewrite_value(&rewrite, pool->outputs[0], out);
  }
  graph_rewrite_end(&rewrite);
  return ADZE_OK;
}

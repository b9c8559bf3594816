/* SPDX-License-Identifier: Apache-2.0 */
/* How much work nodes and groups of them are, and what groups are called. */
#include "driver/compilation.h"

/* Multiply-adds of operators that are sums of products. */
uint64_t node_macs(const struct node *node) {
  size_t elements;
  const struct value *out = node->outputs[0];
  if (!out || !value_count(out, &elements))
    return 0;
  if (node->op == &op_conv || node->op == &op_conv_transpose) {
    const struct value *w = node->inputs[1];
    size_t weights, positions = elements;
    if (!value_count(w, &weights))
      return 0;
    /* Each weight is used once per position: of the output for conv, of the
     * input for conv_transpose. */
    const struct value *x = node->inputs[0];
    const struct value *grid = node->op == &op_conv ? out : x;
    if (!value_count(grid, &positions) || value_dim(grid, 1) < 1)
      return 0;
    return (uint64_t)weights * (positions / (uint64_t)value_dim(grid, 1));
  }
  if (node->op == &op_matmul) {
    const struct value *a = node->inputs[0];
    int64_t depth = value_dim(a, a->rank - 1);
    return depth < 1 ? 0 : (uint64_t)elements * (uint64_t)depth;
  }
  return 0;
}

uint64_t group_macs(const struct group *group) {
  uint64_t macs = 0;
  for (size_t i = 0; i < group->nodes.count; i++)
    macs += node_macs(group->nodes.data[i]);
  return macs;
}

const char *group_name(struct arena *arena, const struct group *group) {
  struct text text = {.arena = arena};
  for (size_t i = 0; i < group->nodes.count; i++)
    text_format(&text, "%s%s", i ? "+" : "", group->nodes.data[i]->name);
  return text_string(&text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Algebraic simplification by rules.
 *
 * A rule is offered each node of its operator, and returns a value to take
 * instead of the node's output, or NULL. Requirements for rules:
 *   - the replacement has the output's dtype and shape, and equals it to the
 *     last bit on every input;
 *   - rules only remove or shorten, never grow, so that the pass ends;
 *   - a rule looks at operands, never at users.
 */
#include "pass/pass.h"

typedef struct value *rule_function(struct node *node);

static struct value *same_type(struct value *candidate,
                               const struct node *node) {
  const struct value *out = node->outputs[0];
  return candidate && candidate->dtype == out->dtype &&
                 value_same_shape(candidate, out)
             ? candidate
             : NULL;
}

static bool all_equal(const struct value *value, double number) {
  if (!value || !value->constant)
    return false;
  for (size_t i = 0; i < value->constant->count; i++)
    if (constant_real(value->constant, i) != number)
      return false;
  return true;
}

/* identity(x), and whatever leaves shape and elements as they are. */
static struct value *drop_identity(struct node *node) {
  return same_type(node->inputs[0], node);
}

/* x*1, x/1; -0 and NaN stay as well. */
static struct value *drop_times_one(struct node *node) {
  if (all_equal(node->inputs[1], 1))
    return same_type(node->inputs[0], node);
  if (node->op == &op_mul && all_equal(node->inputs[0], 1))
    return same_type(node->inputs[1], node);
  return NULL;
}

/* x-0; x+0 would turn -0 into +0. */
static struct value *drop_minus_zero(struct node *node) {
  return all_equal(node->inputs[1], 0) ? same_type(node->inputs[0], node)
                                       : NULL;
}

/* reshape(reshape(x)): the outer one alone. */
static struct value *skip_reshape(struct node *node) {
  const struct node *inner = node->inputs[0]->producer;
  struct value *x = same_type(node->inputs[0], node);
  if (x)
    return x;
  if (inner && inner->op == &op_reshape)
    node->inputs[0] = inner->inputs[0];
  return NULL;
}

static const struct {
  const struct op_def *op;
  rule_function *apply;
} rule_table[] = {
    {&op_identity, drop_identity}, {&op_reshape, skip_reshape},
    {&op_flatten, drop_identity},  {&op_squeeze, drop_identity},
    {&op_mul, drop_times_one},     {&op_div, drop_times_one},
    {&op_sub, drop_minus_zero},
};

/* f(f(x)) where the operator's table says that it is f(x). Attributes may
 * differ, as in two clips. */
static struct value *drop_idempotent(const struct node *node) {
  const struct node *inner =
      node->input_count == 1 && node->inputs[0] ? node->inputs[0]->producer
                                                : NULL;
  if (!(node->op->flags & OP_IDEMPOTENT) || !inner || inner->op != node->op ||
      (node->op->attributes && node->op->attributes[0].name))
    return NULL;
  return same_type(node->inputs[0], node);
}

enum adze_status pass_simplify_graph(struct graph *graph,
                                     struct adze_error *error) {
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  (void)error;
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    graph_rewrite_operands(&rewrite, node);
    struct value *replacement = drop_idempotent(node);
    for (size_t r = 0; r < ARRAY_COUNT(rule_table) && !replacement; r++)
      if (rule_table[r].op == node->op)
        replacement = rule_table[r].apply(node);
    if (replacement)
      graph_rewrite_value(&rewrite, node->outputs[0], replacement);
  }
  graph_rewrite_end(&rewrite);
  return ADZE_OK;
}

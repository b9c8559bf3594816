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
#include <math.h>

#include "pass/pass.h"

typedef struct value *rule_function(struct graph *graph, struct node *node);

static struct value *same_type(struct value *candidate,
                               const struct node *node) {
  const struct value *out = node->outputs[0];
  return candidate && candidate->dtype == out->dtype &&
                 value_same_shape(candidate, out)
             ? candidate
             : NULL;
}

/* A positive number, or +0. */
static bool all_equal(const struct value *value, double number) {
  if (!value || !value->constant)
    return false;
  for (size_t i = 0; i < value->constant->count; i++)
    if (constant_real(value->constant, i) != number ||
        signbit(constant_real(value->constant, i)))
      return false;
  return true;
}

/* identity(x), and whatever leaves shape and elements as they are. */
static struct value *drop_identity(struct graph *graph, struct node *node) {
  (void)graph;
  return same_type(node->inputs[0], node);
}

/* x*1, x/1; -0 and NaN stay as well. */
static struct value *drop_times_one(struct graph *graph, struct node *node) {
  (void)graph;
  if (all_equal(node->inputs[1], 1))
    return same_type(node->inputs[0], node);
  if (node->op == &op_mul && all_equal(node->inputs[0], 1))
    return same_type(node->inputs[1], node);
  return NULL;
}

/* x-0; x+0 would turn -0 into +0. */
static struct value *drop_minus_zero(struct graph *graph, struct node *node) {
  (void)graph;
  return all_equal(node->inputs[1], 0) ? same_type(node->inputs[0], node)
                                       : NULL;
}

/* ---- Shapes -------------------------------------------------------------- */
static bool only_shapes(const struct node *node) {
  return node && (node->op == &op_reshape || node->op == &op_flatten ||
                  node->op == &op_squeeze || node->op == &op_unsqueeze);
}

/* Of operators that only give another shape, the last alone. A reshape takes
 * its shape as numbers then, since 0 and -1 in it mean dimensions of the
 * operand. */
static struct value *skip_shape(struct graph *graph, struct node *node) {
  struct value *x = node->inputs[0];
  for (; only_shapes(x->producer); x = x->producer->inputs[0])
    if (same_type(x, node))
      return x;
  if (same_type(x, node))
    return x;
  if (x != node->inputs[0] && node->op == &op_reshape &&
      value_is_static(node->outputs[0])) {
    int64_t dims[GRAPH_MAX_RANK];
    for (size_t d = 0; d < node->outputs[0]->rank; d++)
      dims[d] = value_dim(node->outputs[0], d);
    node->inputs[0] = x;
    node->input_count = 1;
    node_set_ints(graph, node, "shape", dims, node->outputs[0]->rank);
  }
  return NULL;
}

/* Which dimension of the operand dimension `axis` of the result is. */
static size_t source_axis(const struct node *transpose, size_t axis) {
  size_t count, rank = transpose->outputs[0]->rank;
  const int64_t *order = node_ints(transpose, "perm", &count);
  return count ? (size_t)order[axis] : rank - 1 - axis;
}

/* transpose(x) without effect, and transpose(transpose(x)) as one. */
static struct value *skip_transpose(struct graph *graph, struct node *node) {
  const struct node *inner = node->inputs[0]->producer;
  size_t rank = node->outputs[0]->rank;
  int64_t order[GRAPH_MAX_RANK];
  bool twice = inner && inner->op == &op_transpose, moves = false;
  for (size_t d = 0; d < rank; d++) {
    size_t from = source_axis(node, d);
    order[d] = (int64_t)(twice ? source_axis(inner, from) : from);
    moves = moves || order[d] != (int64_t)d;
  }
  if (!moves)
    return twice ? inner->inputs[0] : node->inputs[0];
  if (twice) {
    node->inputs[0] = inner->inputs[0];
    node_set_ints(graph, node, "perm", order, rank);
  }
  return NULL;
}

/* concat(x) */
static struct value *drop_single(struct graph *graph, struct node *node) {
  (void)graph;
  return node->input_count == 1 ? same_type(node->inputs[0], node) : NULL;
}

/* ---- Types --------------------------------------------------------------- */
static bool holds(enum adze_dtype wide, enum adze_dtype narrow) {
  bool half = narrow == ADZE_F16 || narrow == ADZE_BF16;
  return (half && (wide == ADZE_F32 || wide == ADZE_F64)) ||
         (narrow == ADZE_F32 && wide == ADZE_F64) ||
         (narrow == ADZE_I32 && wide == ADZE_I64);
}

/* A cast to the type there is, or back from one that holds it exactly. */
static struct value *drop_cast(struct graph *graph, struct node *node) {
  (void)graph;
  const struct value *x = node->inputs[0];
  struct value *same = same_type(node->inputs[0], node);
  if (same || !x->producer || x->producer->op != &op_cast)
    return same;
  struct value *source = x->producer->inputs[0];
  return holds(x->dtype, source->dtype) ? same_type(source, node) : NULL;
}

static const struct {
  const struct op_def *op;
  rule_function *apply;
} rule_table[] = {
    {&op_identity, drop_identity},   {&op_mul, drop_times_one},
    {&op_div, drop_times_one},       {&op_sub, drop_minus_zero},
    {&op_reshape, skip_shape},       {&op_flatten, skip_shape},
    {&op_squeeze, skip_shape},       {&op_unsqueeze, skip_shape},
    {&op_expand, drop_identity},     {&op_tile, drop_identity},
    {&op_transpose, skip_transpose}, {&op_concat, drop_single},
    {&op_cast, drop_cast},
};

/* f(f(x)) where the operator's table says that it is f(x). Attributes may
 * differ, as in two clips. */
static struct value *drop_idempotent(const struct node *node) {
  const struct node *inner = node->input_count == 1 && node->inputs[0]
                                 ? node->inputs[0]->producer
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
        replacement = rule_table[r].apply(graph, node);
    if (replacement)
      graph_rewrite_value(&rewrite, node->outputs[0], replacement);
  }
  graph_rewrite_end(&rewrite);
  return ADZE_OK;
}

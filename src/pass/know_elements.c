/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that a model computes with: Shape, Gather, Concat, … on small integer
 * tensors. Inference knows their elements, so no kernel need compute them:
 * where all are numbers, a constant takes the value's place; where some depend
 * on open dimensions, whoever reads the value as data (or the graph's caller)
 * gets a node that computes it from the dimensions alone. What remains only
 * tells shapes, and is never run.
 */
#include "adze/runtime.h"
#include "ir/scalar.h"
#include "pass/pass.h"

static bool is_number(const struct expr *e) {
  return e->kind == EXPR_INTEGER || e->kind == EXPR_REAL;
}

static bool all_numbers(const struct value *value) {
  for (size_t i = 0; i < value->element_count; i++)
    if (!is_number(value->elements[i]))
      return false;
  return true;
}

static struct value *as_constant(struct graph *graph,
                                 const struct value *value) {
  struct constant constant = {.dtype = value->dtype,
                              .rank = value->rank,
                              .count = value->element_count};
  size_t bytes = adze_dtype_bytes(value->dtype);
  char *data = arena_alloc_array(graph->arena, constant.count + 1, bytes);
  for (size_t d = 0; d < value->rank; d++)
    constant.dims[d] = value_dim(value, d);
  for (size_t i = 0; i < constant.count; i++) {
    const struct expr *e = value->elements[i];
    union scalar element;
    if (e->kind == EXPR_REAL)
      element.real = e->real;
    else
      element.integer = e->integer;
    scalar_store(value->dtype, data + i * bytes,
                 scalar_cast(value->dtype, e->dtype, element));
  }
  constant.bytes = constant.count * bytes;
  constant.data = data;
  return graph_add_constant(graph, NULL, &constant);
}

/* Whether only elements flow through the node. */
static bool is_known(const struct node *node) {
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] && !node->outputs[i]->elements)
      return false;
  return true;
}

static struct value *as_node(struct graph *graph, const struct node *node,
                             const struct value *value) {
  return graph_add_elements(graph, node->name, value->dtype, value->dims,
                            value->rank, value->elements,
                            value->element_count);
}

struct known {
  struct graph *graph;
  struct graph_rewrite rewrite;
  struct value **made; /* by value id: from the open dimensions */
};

/* `value` as data. */
static struct value *to_read(struct known *known, struct value *value) {
  const struct node *node = value->producer;
  if (!node || !value->elements || node->op == &op_shape_elements)
    return value;
  struct value **made = &known->made[value->id];
  if (!*made)
    *made = as_node(known->graph, node, value);
  return *made;
}

enum adze_status pass_know_elements(struct graph *graph,
                                    struct adze_error *error) {
  struct known known = {
      graph, graph_rewrite_begin(graph),
      ARENA_ARRAY(graph->arena, struct value *, graph->value_count + 1)};
  size_t count = graph->nodes.count;
  (void)error;
  for (size_t n = 0; n < count; n++) {
    struct node *node = graph->nodes.data[n];
    graph_rewrite_operands(&known.rewrite, node);
    for (size_t i = 0; i < node->input_count && !is_known(node); i++)
      if (node_reads(node, i) && node->op->fusion != FUSION_METADATA)
        node->inputs[i] = to_read(&known, node->inputs[i]);
    for (size_t o = 0; o < node->output_count; o++) {
      struct value *value = node->outputs[o];
      if (value && value->elements && value_is_static(value) &&
          all_numbers(value))
        graph_rewrite_value(&known.rewrite, value,
                            as_constant(graph, value));
    }
  }
  for (size_t i = 0; i < graph->outputs.count; i++) {
    struct value *value = graph->outputs.data[i];
    if (value->elements && !all_numbers(value) &&
        to_read(&known, value) != value)
      graph_rewrite_value(&known.rewrite, value, to_read(&known, value));
  }
  graph_rewrite_end(&known.rewrite);
  return ADZE_OK;
}

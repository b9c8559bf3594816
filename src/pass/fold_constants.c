/* SPDX-License-Identifier: Apache-2.0 */
/* Constant folding: a node whose operands are all constants is computed, on
 * the interpreter, unless it would make much more data than it takes: then it
 * is cheaper to compute it at each run. */
#include "ir/scalar.h"
#include "pass/evaluate.h"
#include "pass/pass.h"

/* A folded value may grow to this, or to twice its operands. */
enum { SMALL_BYTES = 1 << 16 };

static bool is_foldable(const struct node *node) {
  size_t in_bytes = 0;
  /* Without operands, and yet from open dimensions. */
  if (!node->op->express || node->op == &op_shape_elements)
    return false;
  for (size_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] && !node->inputs[i]->constant)
      return false;
    if (node->inputs[i])
      in_bytes += node->inputs[i]->constant->bytes;
  }
  for (size_t i = 0; i < node->output_count; i++) {
    size_t count;
    if (!node->outputs[i])
      continue;
    if (!value_is_static(node->outputs[i]) ||
        !value_count(node->outputs[i], &count))
      return false;
    size_t bytes = count * dtype_bits(node->outputs[i]->dtype) / 8;
    if (bytes > SMALL_BYTES && bytes / 2 > in_bytes)
      return false;
  }
  return true;
}

static struct value *as_constant(struct graph *graph, const struct value *old,
                                 const void *data) {
  struct constant constant = {.dtype = old->dtype, .rank = old->rank};
  constant.count = 1;
  for (size_t d = 0; d < old->rank; d++) {
    constant.dims[d] = value_dim(old, d);
    constant.count *= (size_t)constant.dims[d];
  }
  constant.bytes = constant.count * dtype_bits(old->dtype) / 8;
  constant.data = data;
  return graph_add_constant(graph, NULL, &constant);
}

enum adze_status pass_fold_constants(struct graph *graph,
                                     struct adze_error *error) {
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    graph_rewrite_operands(&rewrite, node);
    if (!is_foldable(node))
      continue;
    void **data = ARENA_ARRAY(graph->arena, void *, node->output_count + 1);
    TRY(evaluate_node(graph->arena, graph, node, NULL, data, error));
    for (size_t o = 0; o < node->output_count; o++)
      if (node->outputs[o])
        graph_rewrite_value(&rewrite, node->outputs[o],
                            as_constant(graph, node->outputs[o], data[o]));
  }
  graph_rewrite_end(&rewrite);
  return ADZE_OK;
}

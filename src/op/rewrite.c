/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing values by others, in one walk.
 *
 * A pass visits nodes in graph order, so whatever uses a value comes after the
 * node that makes it: it is enough to note replacements by value id and to look
 * them up when a user is visited. Walking the graph for each replacement would
 * make passes quadratic.
 *
 * The graph's outputs must keep their names, and each output needs a node of
 * its own to be written by. So when an output is replaced, the replacement
 * takes its name; where it can't (it is an input, a constant or already another
 * output) an identity stands between.
 */
#include "op/op.h"

struct graph_rewrite graph_rewrite_begin(struct graph *graph) {
  struct graph_rewrite rewrite = {.graph = graph, .count = graph->value_count};
  rewrite.replacements =
      ARENA_ARRAY(graph->arena, struct value *, rewrite.count + 1);
  return rewrite;
}

static struct value *current(const struct graph_rewrite *rewrite,
                             struct value *value) {
  while (value != NULL && value->id < rewrite->count &&
         rewrite->replacements[value->id] != NULL)
    value = rewrite->replacements[value->id];
  return value;
}

void graph_rewrite_operands(const struct graph_rewrite *rewrite,
                            struct node *node) {
  for (size_t i = 0; i < node->input_count; i++)
    node->inputs[i] = current(rewrite, node->inputs[i]);
}

void graph_rewrite_value(struct graph_rewrite *rewrite, struct value *old,
                         struct value *replacement) {
  check(old->id < rewrite->count);
  replacement = current(rewrite, replacement);
  if (replacement != old)
    rewrite->replacements[old->id] = replacement;
}

static struct value *as_output(struct graph *graph, bool *is_output,
                               const char *name, struct value *value) {
  if (value->producer == NULL || is_output[value->id]) {
    struct node *copy =
        graph_add_node(graph, &op_identity, name, &value, 1, 1);
    struct adze_error error;
    check(node_infer(graph, copy, &error) == ADZE_OK);
    value = copy->outputs[0];
  } else {
    is_output[value->id] = true;
  }
  graph_rename_value(graph, value, name);
  return value;
}

void graph_rewrite_end(struct graph_rewrite *rewrite) {
  struct graph *graph = rewrite->graph;
  bool *is_output = ARENA_ARRAY(graph->arena, bool, graph->value_count + 1);
  for (size_t i = 0; i < graph->nodes.count; i++)
    graph_rewrite_operands(rewrite, graph->nodes.data[i]);
  for (size_t i = 0; i < graph->outputs.count; i++)
    is_output[graph->outputs.data[i]->id] =
        current(rewrite, graph->outputs.data[i]) == graph->outputs.data[i];
  for (size_t i = 0; i < graph->outputs.count; i++) {
    struct value *old = graph->outputs.data[i];
    struct value *replacement = current(rewrite, old);
    if (replacement != old)
      graph->outputs.data[i] =
          as_output(graph, is_output, old->name, replacement);
  }
  graph_sweep(graph);
}

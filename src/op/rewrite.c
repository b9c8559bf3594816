/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a value by another.
 *
 * The graph's outputs must keep their names, and each output needs a node of
 * its own to be written by. So when an output is replaced, the replacement
 * takes its name; where it can't (it is an input, a constant or already another
 * output) an identity stands between.
 */
#include "op/op.h"

static bool is_listed(struct value *const *list, size_t count,
                      const struct value *value) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == value)
      return true;
  return false;
}

static struct value *as_output(struct graph *graph, struct value *old,
                               struct value *replacement) {
  const char *name = old->name;
  if (replacement->producer == NULL ||
      is_listed(graph->outputs.data, graph->outputs.count, replacement)) {
    struct node *copy =
        graph_add_node(graph, &op_identity, name, &replacement, 1, 1);
    struct adze_error error;
    check(node_infer(graph, copy, &error) == ADZE_OK);
    replacement = copy->outputs[0];
  }
  graph_rename_value(graph, replacement, name);
  return replacement;
}

void graph_replace_value(struct graph *graph, struct value *old,
                         struct value *replacement) {
  if (old == replacement)
    return;
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    for (size_t k = 0; k < node->input_count; k++)
      if (node->inputs[k] == old)
        node->inputs[k] = replacement;
  }
  for (size_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.data[i] == old)
      graph->outputs.data[i] = as_output(graph, old, replacement);
}
